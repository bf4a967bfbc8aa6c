/* Starts a launcher as the library does, without node: a plan that is ready in a file goes into a
 * socket that is descriptor 3 of the launcher. usage: start_with_plan FRAME PROGRAM ARG… */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char frame[1 << 16];
	int pair[2];
	int file = open(argv[argc > 1], O_RDONLY | O_CLOEXEC);
	ssize_t length = read(file, frame, sizeof frame);

	if (argc < 3 || length <= 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 99;
	if (write(pair[1], frame, (size_t)length) != length)
		return 99;
	if (pair[0] != 3 && dup2(pair[0], 3) != 3)
		return 99;
	/* The other end stays open, as the library's does; the launcher closes nothing of the caller. */
	fcntl(pair[1], F_SETFD, FD_CLOEXEC);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
