// Generated from crates/fuselage-plan by `npm run generate`. Do not edit.

export type PlanPath = string | { bytes: string };

export type ProcdirPath = { 
/**
 * Components separated by `/`, none of them empty, `.` or `..`.
 */
procdir: PlanPath, };

export type Place = ProcdirPath | PlanPath;

export type StepId = string;

export type FileIdentity = string;

export type SourceFile = { 
/**
 * The archive as the user named it, from the working directory where it is relative.
 */
path: PlanPath, 
/**
 * What it was when the plan was made.
 */
identity: FileIdentity, };

export type DecodedSource = { 
/**
 * That step.
 */
decoded: StepId, };

export type CachedSource = { 
/**
 * That step, around this one.
 */
cached: StepId, };

export type Source = SourceFile | DecodedSource | CachedSource;

export type SourceEncoding = "plain" | "base64";

export type FormatName = string;

export type ArchiveFile = { 
/**
 * The file that the user gave.
 */
source: SourceFile, 
/**
 * How the archive stands in it.
 */
encoding: SourceEncoding, 
/**
 * What a plain archive is, by its content; of base64 text the worker finds it.
 */
format: FormatName | null, 
/**
 * Where a plain archive begins in the file, in bytes; of base64 text 0.
 */
offset: number, };

export type CacheKind = "tree" | "image";

export type OverlayAttributes = "user" | "trusted";

export type FileSystem = "squashfs";

export type ExtractLimits = { 
/**
 * Entries, directories that are only implied by a name included.
 */
entries: number, 
/**
 * Bytes of all files together, unpacked.
 */
bytes: number, 
/**
 * Components of one entry's path.
 */
depth: number, 
/**
 * Bytes of one entry's path.
 */
nameLength: number, 
/**
 * Unpacked bytes for each byte of the archive; holes are not counted.
 */
ratio: number, };

export type MountPointWay = { "way": "directory" } | { "way": "mirror", 
/**
 * That ancestor, an absolute path.
 */
ancestor: PlanPath, };

export type ProcdirParent = "home" | { "mountPoint": StepId } | "extracted";

export type ReadOnlyWay = "mount" | "permissions";

export type Step = { "step": "mountPoint", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The absolute path.
 */
path: PlanPath, 
/**
 * How it comes to be.
 */
how: MountPointWay, } | { "step": "procdir", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * Where the directories of all runs are.
 */
on: ProcdirParent, 
/**
 * The most bytes of memory it may take; without it, half of the memory. A real directory
 * takes none.
 */
size: number | null, } | { "step": "directory", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * Where; its parent is there already.
 */
at: Place, } | { "step": "cache", 
/**
 * What the steps in `then` call it.
 */
id: StepId, 
/**
 * The archive.
 */
archive: ArchiveFile, 
/**
 * What is kept.
 */
kind: CacheKind, 
/**
 * What it may at most unpack to.
 */
limits: ExtractLimits, 
/**
 * Threads; without it as many as the processors this process may use.
 */
jobs: number | null, 
/**
 * The steps with it.
 */
then: Array<Step>, 
/**
 * The steps without it. Both make the same trees.
 */
otherwise: Array<Step>, } | { "step": "bind", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The `cache` step, around this one.
 */
cached: StepId, 
/**
 * The directory to make; its parent is there already.
 */
at: Place, } | { "step": "overlay", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The step that made the tree below (`lowerdir`).
 */
lower: StepId, 
/**
 * The directory in which those of the layer are made: `upper` and `work`.
 */
layer: Place, 
/**
 * Where the kernel keeps its notes.
 */
attributes: OverlayAttributes, 
/**
 * The directory to make; its parent is there already.
 */
at: Place, 
/**
 * The steps where the kernel does not mount it; they make the same tree.
 */
otherwise: Array<Step>, } | { "step": "decode", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The text.
 */
source: SourceFile, } | { "step": "image", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The file that the image is in.
 */
source: Source, 
/**
 * The file system of the image, as mount(8) calls it.
 */
fileSystem: FileSystem, 
/**
 * Where the image begins in the file, in bytes.
 */
offset: number, 
/**
 * How long it is, in bytes; nothing of the file behind it is read, but for what fills the
 * last block of the device.
 */
length: number, 
/**
 * The directory to make; its parent is there already.
 */
at: Place, } | { "step": "extract", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The archive.
 */
source: Source, 
/**
 * What a file is, by its content; of what was decoded the worker finds it.
 */
format: FormatName | null, 
/**
 * Where the archive begins in a file, in bytes: behind an ELF program for example.
 */
offset: number, 
/**
 * The directory to make; its parent is there already.
 */
at: Place, 
/**
 * What it may at most unpack to.
 */
limits: ExtractLimits, 
/**
 * Threads; without it as many as the processors this process may use.
 */
jobs: number | null, } | { "step": "readOnly", 
/**
 * What later steps call it.
 */
id: StepId, 
/**
 * The step that made the tree.
 */
tree: StepId, 
/**
 * How.
 */
how: ReadOnlyWay, };

export type Namespaces = "user" | "mount" | "none";

export type EnvironmentValue = { 
/**
 * Its name.
 */
name: string, 
/**
 * The place whose absolute path becomes its value.
 */
place: Place, };

export type Environment = { 
/**
 * Variables taken away first, those of an outer run for example.
 */
cleared: Array<string>, 
/**
 * Variables set then.
 */
set: Array<EnvironmentValue>, };

export type SearchTree = { 
/**
 * The NAME of the tree.
 */
name: PlanPath, 
/**
 * Where it is.
 */
at: Place, };

export type Program = { "program": "command", 
/**
 * Index of the command in the argv of the question.
 */
commandIndex: number, 
/**
 * The subcommand that was perhaps meant, for the message when there is no such program.
 */
nearSubcommand: string | null, } | { "program": "tree", 
/**
 * What the user wrote, relative.
 */
path: PlanPath, 
/**
 * The trees: `NAME/REST` in the tree of that name first, then `PATH` in exactly one.
 */
trees: Array<SearchTree>, 
/**
 * Indices of its arguments in the argv of the question, ascending.
 */
arguments: Array<number>, };

export type Reason = { 
/**
 * What is explained: `static sdk`, `namespaces`, `home`.
 */
subject: string, 
/**
 * The strategy that was chosen, in a few words.
 */
strategy: string, 
/**
 * Why.
 */
why: string, 
/**
 * Where it is seen by the command.
 */
at: Place | null, };

export type CachePlan = { 
/**
 * Further caches (`FUSELAGE_CACHE_PATH`), absolute paths of directories like `cache` in the home:
 * looked at in this order before anything is built, never changed.
 */
others: Array<PlanPath>, 
/**
 * Whether processes may be started that go on in the background: what was put into the cache is
 * written to the disk there.
 */
background: boolean, 
/**
 * Whether `cache prune` is started in the background, where none was for an hour.
 */
prune: boolean, };

export type MountPlan = { 
/**
 * The package version ([`crate::VERSION`]); any other is refused.
 */
version: string, 
/**
 * Which namespaces the command gets.
 */
namespaces: Namespaces, 
/**
 * The home (`$FUSELAGE_HOME`), an absolute path, where there is a usable one.
 */
home: PlanPath | null, 
/**
 * How the cache is used, by the steps and beside them.
 */
cache: CachePlan, 
/**
 * What is made, in order.
 */
steps: Array<Step>, 
/**
 * What changes in the environment of the command.
 */
environment: Environment, 
/**
 * What is executed in the end.
 */
program: Program, 
/**
 * Whether the reasons are printed before the command starts (`--explain`).
 */
explain: boolean, 
/**
 * What the user should know in any case, a sentence each: printed before the command starts.
 */
notices: Array<string>, 
/**
 * Why the plan is as it is, for people.
 */
reasons: Array<Reason>, 
/**
 * What is executed in place of all this where the kernel refuses the namespaces: a plan with
 * none, and without another one in it. It is decided before anything is made.
 */
otherwise: MountPlan | null, };

export type Input = { "input": "variable", 
/**
 * Its name.
 */
name: string, 
/**
 * Its value.
 */
value: PlanPath | null, } | { "input": "file", 
/**
 * Its path.
 */
path: PlanPath, 
/**
 * What it was.
 */
identity: FileIdentity, } | { "input": "absent", 
/**
 * That path.
 */
path: PlanPath, } | { "input": "fact", 
/**
 * Its name.
 */
name: string, 
/**
 * Its value, as JSON text.
 */
value: string, };

export type ErrorReport = { 
/**
 * A word of `docs/errors.md`, such as `ERR_USERNS_DENIED`.
 */
code: string, 
/**
 * What was tried, on what.
 */
message: string, 
/**
 * What to do about it, a sentence each.
 */
hints: Array<string>, 
/**
 * Why it failed, the nearest cause first.
 */
causes: Array<string>, 
/**
 * The exit status that goes with it: 125, 126 or 127 for a run; 1 or 2 for other subcommands.
 */
exitCode: number, };

export type CachePlace = { "home": PlanPath } | { "shared": PlanPath };

export type CachedArchive = { 
/**
 * The archive.
 */
archive: ArchiveFile, 
/**
 * What is kept.
 */
kind: CacheKind, };

export type Job = { "job": "cacheAdd", 
/**
 * The package version; any other is refused.
 */
version: string, 
/**
 * The cache.
 */
cache: CachePlace, 
/**
 * What is added, in order.
 */
archives: Array<CachedArchive>, 
/**
 * What each may at most unpack to.
 */
limits: ExtractLimits, 
/**
 * Threads; without it as many as the processors this process may use.
 */
jobs: number | null, 
/**
 * Whether the result is printed as JSON.
 */
json: boolean, } | { "job": "cacheVerify", 
/**
 * The package version; any other is refused.
 */
version: string, 
/**
 * The cache.
 */
cache: CachePlace, 
/**
 * Names of entries, as `cache list` has them; none: all.
 */
entries: Array<string>, 
/**
 * Whether entries that are not as they were made are removed.
 */
repair: boolean, 
/**
 * Threads; without it as many as the processors this process may use.
 */
jobs: number | null, 
/**
 * Whether the result is printed as JSON.
 */
json: boolean, } | { "job": "cachePath", 
/**
 * The package version; any other is refused.
 */
version: string, 
/**
 * The home whose cache is looked at first, where there is a usable one.
 */
home: PlanPath | null, 
/**
 * Further caches.
 */
others: Array<PlanPath>, 
/**
 * The archive.
 */
archive: CachedArchive, 
/**
 * Whether the result is printed as JSON.
 */
json: boolean, };

export type Answer = { "answer": "plan", 
/**
 * What to do.
 */
plan: MountPlan, 
/**
 * All that was looked at to make it.
 */
inputs: Array<Input>, } | { "answer": "job", 
/**
 * What to do.
 */
job: Job, } | { "answer": "error", 
/**
 * Why.
 */
error: ErrorReport, } | { "answer": "done", 
/**
 * The exit status, 0 to 255.
 */
exitCode: number, } | { "answer": "unsuitable", 
/**
 * Why.
 */
reason: string, };
