/* Starts a program with a pipe that does not wait (O_NONBLOCK), as some event loops leave it to
 * their children, and that is full: `#` up to the last byte that fits. Afterwards the pipe must
 * have the status flags that it had: they are shared with everybody who has it.
 * usage: full-pipe DESCRIPTOR COMMAND ARG… ; exits with the command's status, 98 when the flags
 * have changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char filling[4096];
	size_t size = sizeof filling;
	int descriptor, flags, status;
	pid_t child;

	if (argc < 3)
		return 99;
	descriptor = atoi(argv[1]);
	flags = fcntl(descriptor, F_GETFL) | O_NONBLOCK;
	if (fcntl(descriptor, F_SETFL, flags) != 0)
		return 99;
	memset(filling, '#', sizeof filling);
	while (size > 0)
		if (write(descriptor, filling, size) < 0) {
			if (errno != EAGAIN)
				return 99;
			size /= 2;
		}
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(99);
	}
	if (waitpid(child, &status, 0) != child)
		return 99;
	if (fcntl(descriptor, F_GETFL) != flags)
		return 98;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
