/* Sets O_NONBLOCK on descriptors 0, 1 and 2, as everybody who shares them sees it, then executes
 * its words. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int number;

	for (number = 0; number < 3; number++)
		if (fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) != 0)
			return 99;
	if (argc < 2)
		return 99;
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 99;
}
