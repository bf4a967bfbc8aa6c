/* Starts a program whose standard output is a pipe that does not wait (O_NONBLOCK), as some event
 * loops leave it to their children. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2 || fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK) != 0)
		return 99;
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 99;
}
