/* Prints what a process was given: /proc/self/{status,limits,environ,stat,fd}, getrusage(2) of its
 * children and its pending signals, one fact a line with the file it comes from before it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char buffer[1 << 22];

static size_t slurp(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t count;

	while (file >= 0 && (count = read(file, buffer + length, sizeof buffer - 1 - length)) > 0)
		length += (size_t)count;
	if (file >= 0)
		close(file);
	buffer[length] = 0;
	return length;
}

static void lines(const char *name)
{
	char path[64];
	char *line, *rest = NULL;

	snprintf(path, sizeof path, "/proc/self/%s", name);
	slurp(path);
	for (line = strtok_r(buffer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		printf("%s %s\n", name, line);
}

static void environment(void)
{
	size_t length = slurp("/proc/self/environ");
	size_t at = 0;

	while (at < length) {
		printf("environ %s\n", buffer + at);
		at += strlen(buffer + at) + 1;
	}
}

static void stat_fields(void)
{
	int field = 3;
	char *word, *rest = NULL;

	slurp("/proc/self/stat");
	for (word = strtok_r(strrchr(buffer, ')') + 1, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest))
		printf("stat field-%d %s\n", field++, word);
}

static void descriptors(void)
{
	int number;

	for (number = 0; number < 1024; number++) {
		int flags = fcntl(number, F_GETFD);

		if (flags >= 0)
			printf("fd %d descriptor-flags %d status-flags %o\n", number, flags,
			       fcntl(number, F_GETFL));
	}
}

int main(void)
{
	struct rusage usage;
	sigset_t pending;
	int signal_number;

	/* Before standard output gets a buffer that would be seen in nothing but sizes. */
	lines("status");
	lines("limits");
	environment();
	stat_fields();
	descriptors();
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("children user %ld.%06ld system %ld.%06ld maxrss %ld faults %ld switches %ld\n",
	       (long)usage.ru_utime.tv_sec, (long)usage.ru_utime.tv_usec,
	       (long)usage.ru_stime.tv_sec, (long)usage.ru_stime.tv_usec, usage.ru_maxrss,
	       usage.ru_minflt, usage.ru_nvcsw);
	sigpending(&pending);
	for (signal_number = 1; signal_number < 65; signal_number++)
		if (sigismember(&pending, signal_number) == 1)
			printf("pending %d\n", signal_number);
	return 0;
}
