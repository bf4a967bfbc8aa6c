//! The steps of a plan. This list is the security review: it is all that a launcher can do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::path::{Place, PlanPath};

/// The name of a step within its plan, unique there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which file was looked at while planning. Opaque: made and compared by Rust alone (device, inode,
/// size, mtime and ctime in nanoseconds; of a directory device and inode).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct FileIdentity(pub String);

/// A file that a step reads. The launcher opens it once, compares the identity, and uses that file
/// descriptor from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceFile {
    /// The archive as the user named it, from the working directory where it is relative.
    pub path: PlanPath,
    /// What it was when the plan was made.
    pub identity: FileIdentity,
}

/// What an earlier `decode` step has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecodedSource {
    /// That step.
    pub decoded: StepId,
}

/// The image that a `cache` step found, or put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CachedSource {
    /// That step, around this one.
    pub cached: StepId,
}

/// Where an archive comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Source {
    /// A file of the user.
    File(SourceFile),
    /// What was decoded.
    Decoded(DecodedSource),
    /// What is in the cache.
    Cached(CachedSource),
}

/// How an archive stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum SourceEncoding {
    /// As it is.
    Plain,
    /// As base64 text.
    Base64,
}

/// An archive, and what is known of it before its data is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArchiveFile {
    /// The file that the user gave.
    pub source: SourceFile,
    /// How the archive stands in it.
    pub encoding: SourceEncoding,
    /// What a plain archive is, by its content; of base64 text the worker finds it.
    pub format: Option<FormatName>,
    /// Where a plain archive begins in the file, in bytes; of base64 text 0.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
}

/// What the cache keeps of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum CacheKind {
    /// The extracted tree.
    Tree,
    /// The image that was decoded.
    Image,
}

/// Which extended attributes an overlay keeps its own notes in (overlayfs, `Documentation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum OverlayAttributes {
    /// `user.overlay.*` (Linux 5.11), in a user namespace; directories of the lower layer cannot be
    /// renamed.
    User,
    /// `trusted.overlay.*`, for root of the host; directories can be renamed (`redirect_dir`).
    Trusted,
}

/// The name of a format that the worker can extract, as detection gives it: `zip`. The plan knows
/// no list of them; the launcher refuses a name that it does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct FormatName(pub String);

/// A file system that images are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum FileSystem {
    /// squashfs 4.0.
    Squashfs,
}

impl FileSystem {
    /// What mount(2) calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Squashfs => "squashfs",
        }
    }
}

/// What an archive may at most unpack to. Every limit can be raised; the error names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtractLimits {
    /// Entries, directories that are only implied by a name included.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub entries: u64,
    /// Bytes of all files together, unpacked.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub bytes: u64,
    /// Components of one entry's path.
    pub depth: u32,
    /// Bytes of one entry's path.
    pub name_length: u32,
    /// Unpacked bytes for each byte of the archive; holes are not counted.
    pub ratio: u32,
}

/// How a mount point comes to be where nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(
    tag = "way",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum MountPointWay {
    /// A directory of the host; where it is missing it is made, 0700, and stays.
    Directory,
    /// A tmpfs over the nearest existing ancestor, with every child of it attached again.
    Mirror {
        /// That ancestor, an absolute path.
        ancestor: PlanPath,
    },
}

/// Where the directories of all runs are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum ProcdirParent {
    /// `procdirs` in the home of the plan.
    Home,
    /// The mount point that an earlier step made.
    MountPoint(StepId),
    /// `extracted` in the home of the plan: a real directory, for a plan without namespaces.
    Extracted,
}

/// How a tree becomes read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum ReadOnlyWay {
    /// A bind of it onto itself, `ro,nosuid,nodev`: nobody can write but who may mount.
    Mount,
    /// Files and directories without write permission, for a plan without namespaces: its owner can
    /// give it back, and for root it means nothing.
    Permissions,
}

/// One thing the launcher does, in the order of the plan. Each makes what its `id` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Step {
    /// Makes a place to mount on, seen in this mount namespace only.
    MountPoint {
        /// What later steps call it.
        id: StepId,
        /// The absolute path.
        path: PlanPath,
        /// How it comes to be.
        how: MountPointWay,
    },
    /// Makes this run's private directory: a tmpfs of its own below the directory of all runs, or a
    /// real directory there.
    Procdir {
        /// What later steps call it.
        id: StepId,
        /// Where the directories of all runs are.
        on: ProcdirParent,
        /// The most bytes of memory it may take; without it, half of the memory. A real directory
        /// takes none.
        #[cfg_attr(feature = "typescript", ts(type = "number | null"))]
        size: Option<u64>,
    },
    /// Makes an empty directory, mode 0700.
    Directory {
        /// What later steps call it.
        id: StepId,
        /// Where; its parent is there already.
        at: Place,
    },
    /// Makes sure that the cache has an archive's tree or image, which may mean to put it there, and
    /// does what is to be done with it; where the cache cannot be used, something else. It is found
    /// before anything is made, the namespaces included.
    Cache {
        /// What the steps in `then` call it.
        id: StepId,
        /// The archive.
        archive: ArchiveFile,
        /// What is kept.
        kind: CacheKind,
        /// What it may at most unpack to.
        limits: ExtractLimits,
        /// Threads; without it as many as the processors this process may use.
        jobs: Option<u32>,
        /// The steps with it.
        then: Vec<Step>,
        /// The steps without it. Both make the same trees.
        otherwise: Vec<Step>,
    },
    /// Shows a tree of the cache at a directory that it makes, read-only, `nosuid,nodev`.
    Bind {
        /// What later steps call it.
        id: StepId,
        /// The `cache` step, around this one.
        cached: StepId,
        /// The directory to make; its parent is there already.
        at: Place,
    },
    /// Mounts an overlay at a directory that it makes: a tree, and over it a layer of the run's own;
    /// `nosuid,nodev`.
    Overlay {
        /// What later steps call it.
        id: StepId,
        /// The step that made the tree below (`lowerdir`).
        lower: StepId,
        /// The directory in which those of the layer are made: `upper` and `work`.
        layer: Place,
        /// Where the kernel keeps its notes.
        attributes: OverlayAttributes,
        /// The directory to make; its parent is there already.
        at: Place,
        /// The steps where the kernel does not mount it; they make the same tree.
        otherwise: Vec<Step>,
    },
    /// Decodes base64 text into a file in the private directory that has no name; it is gone once
    /// the last step that reads it is done.
    Decode {
        /// What later steps call it.
        id: StepId,
        /// The text.
        source: SourceFile,
    },
    /// Mounts an image over a directory that it makes, `ro,nosuid,nodev`.
    Image {
        /// What later steps call it.
        id: StepId,
        /// The file that the image is in.
        source: Source,
        /// The file system of the image, as mount(8) calls it.
        file_system: FileSystem,
        /// Where the image begins in the file, in bytes.
        #[cfg_attr(feature = "typescript", ts(type = "number"))]
        offset: u64,
        /// How long it is, in bytes; nothing of the file behind it is read, but for what fills the
        /// last block of the device.
        #[cfg_attr(feature = "typescript", ts(type = "number"))]
        length: u64,
        /// The directory to make; its parent is there already.
        at: Place,
    },
    /// Unpacks an archive into a directory that it makes.
    Extract {
        /// What later steps call it.
        id: StepId,
        /// The archive.
        source: Source,
        /// What a file is, by its content; of what was decoded the worker finds it.
        format: Option<FormatName>,
        /// Where the archive begins in a file, in bytes: behind an ELF program for example.
        #[cfg_attr(feature = "typescript", ts(type = "number"))]
        offset: u64,
        /// The directory to make; its parent is there already.
        at: Place,
        /// What it may at most unpack to.
        limits: ExtractLimits,
        /// Threads; without it as many as the processors this process may use.
        jobs: Option<u32>,
    },
    /// Makes a tree read-only.
    ReadOnly {
        /// What later steps call it.
        id: StepId,
        /// The step that made the tree.
        tree: StepId,
        /// How.
        how: ReadOnlyWay,
    },
}

impl Step {
    /// What the step is called in its plan.
    pub fn id(&self) -> &StepId {
        match self {
            Self::MountPoint { id, .. }
            | Self::Procdir { id, .. }
            | Self::Directory { id, .. }
            | Self::Cache { id, .. }
            | Self::Bind { id, .. }
            | Self::Overlay { id, .. }
            | Self::Decode { id, .. }
            | Self::Image { id, .. }
            | Self::Extract { id, .. }
            | Self::ReadOnly { id, .. } => id,
        }
    }
}
