/* A person at a terminal: runs a command as the leader of a session on a new pseudo terminal and
 * follows a script of words, `=TEXT` waits until TEXT was printed (from where the last wait ended),
 * `+TEXT` types it, `?` notes the mode of the terminal by then: `[the terminal is cooked]` or raw.
 * `^C` and `^Z` in what is typed are those keys, `\n` is the Enter key.
 * usage: terminal SCRIPT… -- COMMAND ARG… ; prints everything that came; exits with the command's
 * status, 128+n for a signal, 98 when something waited for did not come in 20 seconds. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static char seen[1 << 20];
static size_t length, waited;
static int master;

static int read_some(int timeout)
{
	struct pollfd watch = { .fd = master, .events = POLLIN };
	ssize_t count;

	if (poll(&watch, 1, timeout) <= 0)
		return 0;
	count = read(master, seen + length, sizeof seen - 1 - length);
	if (count <= 0)
		return -1;
	length += (size_t)count;
	seen[length] = 0;
	return 1;
}

static int wait_for(const char *text)
{
	time_t limit = time(NULL) + 20;

	while (time(NULL) < limit) {
		char *found = strstr(seen + waited, text);

		if (found) {
			waited = (size_t)(found - seen) + strlen(text);
			return 1;
		}
		if (read_some(200) < 0)
			return strstr(seen + waited, text) != NULL;
	}
	return 0;
}

static void type(const char *text)
{
	char key;

	for (; *text; text++) {
		key = *text;
		if (text[0] == '^' && text[1] >= 'A' && text[1] <= 'Z')
			key = (char)(*++text - '@');
		else if (text[0] == '\\' && text[1] == 'n')
			text++, key = '\r';
		if (write(master, &key, 1) != 1)
			return;
	}
}

static void note_mode(void)
{
	struct termios mode;
	int raw = tcgetattr(master, &mode) == 0 && !(mode.c_lflag & ICANON);

	length += (size_t)snprintf(seen + length, sizeof seen - length, "[the terminal is %s]",
				   raw ? "raw" : "cooked");
}

int main(int argc, char **argv)
{
	int index, command = 1, status;
	pid_t child;

	while (command < argc && strcmp(argv[command], "--"))
		command++;
	if (command + 1 >= argc)
		return 99;
	child = forkpty(&master, NULL, NULL, NULL);
	if (child == 0) {
		execvp(argv[command + 1], argv + command + 1);
		_exit(99);
	}
	for (index = 1; index < command; index++) {
		if (argv[index][0] == '+')
			type(argv[index] + 1);
		else if (argv[index][0] == '?')
			note_mode();
		else if (!wait_for(argv[index] + 1)) {
			fwrite(seen, 1, length, stdout);
			printf("\n[never came: %s]\n", argv[index] + 1);
			return 98;
		}
	}
	while (read_some(20000) > 0)
		;
	waitpid(child, &status, 0);
	fwrite(seen, 1, length, stdout);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
