//go:build ignore

// timer measures one command: it is small, so that neither the time nor the memory of what it starts is its own (a
// process counts what its parent had resident at the vfork).
//
//	timer [-n NOFILE] [-s STAMPFILE] COMMAND [ARG...]
//	    prints wall nanoseconds, peak resident bytes, wait status, and nanoseconds from the time in STAMPFILE to the end
//	timer -i COMMAND [ARG...]
//	    is the first process of a pid namespace: it reaps everything until COMMAND ends
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int reap(char **argv)
{
	int status;
	pid_t pid = vfork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	for (;;) {
		pid_t p = wait(&status);
		if (p == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (p < 0 && errno != EINTR)
			return 126;
	}
}

int main(int argc, char **argv)
{
	static const char *stamp; // no register: vfork
	struct rlimit files = {0, 0};
	int opt, init = 0;
	while ((opt = getopt(argc, argv, "+in:s:")) != -1)
		switch (opt) {
		case 'i': init = 1; break;
		case 'n': files.rlim_cur = files.rlim_max = strtoul(optarg, NULL, 10); break;
		case 's': stamp = optarg; break;
		default: return 2;
		}
	argv += optind;
	if (!argv[0])
		return 2;
	if (init)
		return reap(argv);
	if (files.rlim_max && setrlimit(RLIMIT_NOFILE, &files))
		return 2;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int64_t begun = now();
	pid_t pid = vfork();
	if (pid == 0) {
		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	int status;
	struct rusage usage;
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	int64_t ended = now(), last = 0;
	if (stamp) {
		int fd = open(stamp, O_RDONLY);
		if (read(fd, &last, sizeof last) != sizeof last)
			return 2;
	}
	printf("%lld %lld %d %lld\n", (long long)(ended - begun), usage.ru_maxrss * 1024LL, status, (long long)(last ? ended - last : 0));
	return 0;
}
