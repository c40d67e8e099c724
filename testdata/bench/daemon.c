//go:build ignore

// daemon plays a server in the benchmark: it costs next to nothing, so that what is measured is who starts and stops it.
//
// It waits BENCH_DELAY milliseconds, lets go of stdin, stdout and stderr when it is ready, ends at once at TERM, HUP and
// INT, and executes itself anew at USR1. Like Swift's servers before 2.32 it does not know --test-config. If BENCH_STAMP names a file, it leaves the latest time of such an end there,
// as nanoseconds of CLOCK_MONOTONIC.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void stamp(_Atomic int64_t *last)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t now = t.tv_sec * 1000000000LL + t.tv_nsec, before = *last;
	while (before < now && !__atomic_compare_exchange_n((int64_t *)last, &before, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[argc - 1], "--test-config")) {
		static const char text[] = "error: no such option: --test-config\n";
		return write(2, text, sizeof text - 1) < 0 ? 3 : 2;
	}
	sigset_t ours;
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_BLOCK, &ours, NULL);

	_Atomic int64_t *last = NULL;
	const char *path = getenv("BENCH_STAMP");
	if (path) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		void *p = mmap(NULL, sizeof *last, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			return 3;
		close(fd);
		last = p;
		(void)*last; // the page is there before it counts
	}
	const char *delay = getenv("BENCH_DELAY");
	if (delay) {
		long ms = atol(delay);
		struct timespec t = {ms / 1000, ms % 1000 * 1000000};
		sigset_t none = ours;
		sigdelset(&none, SIGUSR1);
		if (sigtimedwait(&none, NULL, &t) > 0)
			return 0;
	}
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);

	for (;;) {
		int sig;
		if (sigwait(&ours, &sig))
			continue;
		if (sig == SIGUSR1) {
			execv("/proc/self/exe", argv);
			return 4;
		}
		if (last)
			stamp(last);
		_exit(0);
	}
}
