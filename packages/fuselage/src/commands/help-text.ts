import { cacheHelpText } from './cache/help-text.js';
import type { Subcommand } from './subcommands.js';

const OVERVIEW = `fuselage: run a command that sees archives as private directories

Usage:
  fuselage [run] [OPTIONS] [--] COMMAND [ARG...]
  fuselage cache SUBCOMMAND ...
  fuselage doctor [--json]
  fuselage help [SUBCOMMAND]

Subcommands:
  run      run a command; the word may be left out
  cache    look at the cache of unpacked archives, fill it, make room
  doctor   tell whether runs work on this machine, and if not, why and what to do
  help     show this text, or that of a subcommand

Options:
  -h, --help       show the help of a subcommand (fuselage run --help)
  -V, --version    show the version

A subcommand is one only as the very first word: \`fuselage -- doctor\` runs a program named doctor.

Examples:
  fuselage run --static sdk.zip -- ls -l                see sdk.zip in $FUSELAGE_STATIC/sdk
  fuselage -d work.zip sh -c 'cd "$FUSELAGE_DYNAMIC/work" && make'
`;

const RUN = `fuselage run: run a command that sees archives as private directories

Usage:
  fuselage run [OPTIONS] [--] COMMAND [ARG...]
  fuselage run [OPTIONS] --run PATH [ARG...]

The trees appear at once, are seen by this command alone, and are gone when it ends. The first word
that is no option is the command; what comes behind it is the command's own.

Trees (each option can be repeated; NAME is the file name without .zip, .sfs, .b64 unless given):
  -s, --static [NAME:]FILE     an archive, read-only, at $FUSELAGE_STATIC/NAME
  -d, --dynamic [NAME:]FILE    a private writable copy of it, at $FUSELAGE_DYNAMIC/NAME
      --dynamic-empty NAME     an empty writable directory, at $FUSELAGE_DYNAMIC/NAME

Options:
      --run PATH               run a program out of the trees: NAME/PATH, or a PATH that only one
                               tree has; all other words are its arguments
      --dry-run                show the plan as JSON on standard output and do nothing
      --explain                tell on standard error how each tree is made and why, then run
      --jobs N                 threads that extract an archive (else FUSELAGE_JOBS, else one for
                               each processor)
      --extract POLICY         whether real files in the home of fuselage may take the place of
                               mounts: deny (the default), allow (where namespaces are refused),
                               prefer (unless you are root that may mount), force; else
                               FUSELAGE_EXTRACT. They are removed when the command ends; read-only
                               is then by permissions alone
      --cache-static           keep static trees in the home of fuselage: the next start finds them
                               there and reads no archive
      --cache                  keep static and dynamic trees
      --no-cache               keep nothing and look nothing up, whatever else is said. Without one
                               of these three: FUSELAGE_CACHE=0 (nothing), static or 1 (all trees)
      --writable HOW           how a dynamic tree is made: copy; overlay, over the tree in the cache
                               or the mounted image, where there is one; auto (the default): overlay
                               for archives of 1 MiB and more; else FUSELAGE_WRITABLE
      --tmpfs-size SIZE        the most memory for all trees, in bytes or as 512M, 4G (else
                               FUSELAGE_TMPFS_SIZE, else half of the memory)
      --limit NAME=NUMBER      what one archive may unpack to: entries, bytes, depth and
                               name-length (of one path), ratio (of unpacked to packed bytes)
  -h, --help                   show this text
  -V, --version                show the version

Values are given as --option VALUE or --option=VALUE; one that begins with - needs the second form.

The command gets FUSELAGE_TMPDIR, a private scratch directory, and FUSELAGE_STATIC and
FUSELAGE_DYNAMIC where there are such trees. The home of fuselage is $FUSELAGE_HOME, else
~/.fuselage.

Exit status: that of the command; 125 when fuselage fails before it starts, 126 when it cannot be
executed, 127 when it is not found.

Examples:
  fuselage run -s sdk.zip -- sh -c 'ls "$FUSELAGE_STATIC/sdk"'
  fuselage run --static tools.zip --run bin/lint --fix src
  fuselage run --dynamic deps:node_modules.zip --dynamic-empty out --explain -- npm test
`;

const DOCTOR = `fuselage doctor: tell whether runs work on this machine

Usage:
  fuselage doctor [--json]

Tries what a run needs, in processes of its own, and changes nothing. Each line says ok, or what is
wrong with the cause and the fix; what is not needed yet is marked with a dash.

Options:
      --json       the same as JSON: {ok, version, checks: [{name, ok, needed, detail, code, causes,
                   hints}]}; the keys stay as they are
  -h, --help       show this text

Exit status: 0 when a run works, 1 when not, 2 for wrong usage.
`;

const HELP = `fuselage help: show how fuselage is used

Usage:
  fuselage help [SUBCOMMAND]
  fuselage help cache [SUBCOMMAND]
`;

/** The help of a subcommand, or of fuselage as a whole. */
export function helpText(subcommand: Subcommand | null): string {
  switch (subcommand) {
    case 'cache':
      return cacheHelpText(null);
    case 'run':
      return RUN;
    case 'doctor':
      return DOCTOR;
    case 'help':
      return HELP;
    case null:
      return OVERVIEW;
  }
}
