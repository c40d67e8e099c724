//go:build ignore

// floor does what any manager of pidfiles cannot avoid, and nothing else: no options, no profile, no search for confs,
// one thread. It is what mgr is compared with.
//
//	floor nothing
//	floor status LIST          read each pidfile, open the process, read its command line; 0 if all are there
//	floor signal LIST SIGNAL   and signal it through the handle
//	floor stop LIST            and send TERM, wait for all ends, remove the pidfiles
//	floor start LIST           execute each daemon in a session of its own, its pidfile written before, wait until it
//	                           closes its stdout
//	floor stage-start LIST     the same by way of a stage: this program, executed once more, which becomes the daemon
//	floor hold FILE...         keep FIFOs open for reading until it is ended, having closed its stdout
//
// A line of LIST has a command, a conf and a pidfile, with blanks between them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct instance {
	char *command, *conf, *pidfile;
	int pid, fd;
};

static struct instance *all;
static int count;
extern char **environ;

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void load(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		fail(path);
	char *text = malloc(st.st_size + 1), *end = text + st.st_size;
	if (read(fd, text, st.st_size) != st.st_size)
		fail(path);
	close(fd);
	*end = 0;
	int lines = 0;
	for (char *p = text; p < end; p++)
		lines += *p == '\n';
	all = calloc(lines, sizeof *all);
	for (char *p = text; p < end; count++) {
		char *line = strsep(&p, "\n");
		all[count].command = strsep(&line, " ");
		all[count].conf = strsep(&line, " ");
		all[count].pidfile = line;
	}
}

static int slurp(const char *path, char *buf, int size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int n = read(fd, buf, size - 1);
	close(fd);
	buf[n < 0 ? 0 : n] = 0;
	return n;
}

// identify opens the process of a pidfile; 0 if it is not the daemon.
static int identify(struct instance *i)
{
	char buf[4096], path[64];
	if (slurp(i->pidfile, buf, 32) <= 0)
		return 0;
	i->pid = atoi(buf);
	i->fd = syscall(SYS_pidfd_open, i->pid, 0);
	if (i->fd < 0)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/cmdline", i->pid);
	int n = slurp(path, buf, sizeof buf);
	int arg = strlen(buf) + 1;
	char *slash = strrchr(buf, '/');
	if (n > arg && !strcmp(slash ? slash + 1 : buf, i->command) && !strcmp(buf + arg, i->conf))
		return 1;
	close(i->fd);
	return 0;
}

static int status(void)
{
	int running = 0;
	for (struct instance *i = all; i < all + count; i++) {
		int is = identify(i);
		running += is;
		printf("%s %s (%d - %s)\n", i->command, is ? "running" : "not running", i->pid, i->conf);
		if (is)
			close(i->fd);
	}
	return running != count;
}

static int tell(int sig)
{
	int told = 0;
	for (struct instance *i = all; i < all + count; i++)
		if (identify(i)) {
			told += !syscall(SYS_pidfd_send_signal, i->fd, sig, NULL, 0);
			printf("%s signalled (%d - %s)\n", i->command, i->pid, i->conf);
			close(i->fd);
		}
	return told != count;
}

static void watch(int epoll, int fd, struct instance *i)
{
	struct epoll_event ev = {EPOLLIN, {.ptr = i}};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
		fail("epoll_ctl");
}

static int stop(void)
{
	int left = 0, epoll = epoll_create1(EPOLL_CLOEXEC);
	for (struct instance *i = all; i < all + count; i++)
		if (identify(i)) {
			watch(epoll, i->fd, i);
			left += !syscall(SYS_pidfd_send_signal, i->fd, SIGTERM, NULL, 0);
		}
	int stopped = left;
	while (left > 0) {
		struct epoll_event ev[128];
		int n = epoll_wait(epoll, ev, 128, -1);
		for (int k = 0; k < n; k++) {
			struct instance *i = ev[k].data.ptr;
			close(i->fd);
			unlink(i->pidfile);
			printf("%s stopped (%d - %s)\n", i->command, i->pid, i->conf);
			left--;
		}
	}
	return stopped != count;
}

// become is the child's part of a start, up to the exec.
static void become(const char *path, const char *command, const char *conf, const char *pidfile)
{
	char text[32], temporary[4096];
	setsid();
	snprintf(temporary, sizeof temporary, "%s.tmp", pidfile);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int n = snprintf(text, sizeof text, "%ld", syscall(SYS_getpid));
	if (fd < 0 || write(fd, text, n) != n || close(fd) || rename(temporary, pidfile))
		_exit(126);
	char *argv[] = {(char *)command, (char *)conf, NULL};
	execve(path, argv, environ);
	_exit(127);
}

static int start(char *stage)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *bin = getenv("BENCH_BIN");
	for (struct instance *i = all; i < all + count; i++) {
		int out[2];
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", bin, i->command);
		if (pipe2(out, O_CLOEXEC))
			fail("pipe");
		i->pid = vfork();
		if (i->pid == 0) {
			dup2(null, 0);
			dup2(out[1], 1);
			dup2(out[1], 2);
			if (!stage)
				become(path, i->command, i->conf, i->pidfile);
			char *argv[] = {"floor", "stage", path, i->command, i->conf, i->pidfile, NULL};
			execve(stage, argv, environ);
			_exit(127);
		}
		close(out[1]);
		i->fd = out[0];
		watch(epoll, i->fd, i);
	}
	for (int left = count; left > 0;) {
		struct epoll_event ev[128];
		char buf[4096];
		int n = epoll_wait(epoll, ev, 128, -1);
		for (int k = 0; k < n; k++) {
			struct instance *i = ev[k].data.ptr;
			if (read(i->fd, buf, sizeof buf) > 0)
				continue;
			// a child that is about to be executed may still hold it as well
			epoll_ctl(epoll, EPOLL_CTL_DEL, i->fd, NULL);
			close(i->fd);
			printf("%s started (%d - %s)\n", i->command, i->pid, i->conf);
			left--;
		}
	}
	return 0;
}

static int hold(int n, char **paths)
{
	for (int k = 0; k < n; k++)
		if (open(paths[k], O_RDONLY | O_NONBLOCK | O_CLOEXEC) < 0)
			fail(paths[k]);
	close(1);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	const char *what = argv[1];
	if (!strcmp(what, "nothing"))
		return 0;
	if (!strcmp(what, "stage"))
		become(argv[2], argv[3], argv[4], argv[5]);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (!strcmp(what, "hold"))
		return hold(argc - 2, argv + 2);
	load(argv[2]);
	if (!strcmp(what, "status"))
		return status();
	if (!strcmp(what, "signal"))
		return tell(atoi(argv[3]));
	if (!strcmp(what, "stop"))
		return stop();
	if (!strcmp(what, "start"))
		return start(NULL);
	if (!strcmp(what, "stage-start"))
		return start("/proc/self/exe");
	return 2;
}
