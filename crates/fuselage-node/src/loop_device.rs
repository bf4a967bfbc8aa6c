//! Loop devices, for root.

use std::os::fd::AsFd;
use std::path::Path;

use fuselage_linux::causes;
use fuselage_linux::loop_device::{self, LoopError, attach};
use fuselage_linux::open::open_source;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::{DoneOutcome, LoopOutcome, done};
use crate::path::path;
use crate::report::{ErrorReport, mount_hint, unreachable_target};

/// Which bytes of a file a loop device shows.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct LoopOptions {
    /// The first byte; 0 when left out.
    pub offset: Option<i64>,
    /// How many bytes; up to the end of the file when left out.
    pub length: Option<i64>,
}

/// An attached loop device.
#[napi]
#[derive(Debug)]
pub struct LoopDevice {
    path: String,
    attached: Option<loop_device::LoopDevice>,
}

#[napi]
impl LoopDevice {
    /// `/dev/loopN`.
    #[napi(getter)]
    pub fn path(&self) -> String {
        self.path.clone()
    }

    /// Detaches it; a second call does nothing.
    #[napi]
    pub fn detach(&mut self) -> DoneOutcome {
        let detached = self
            .attached
            .take()
            .map_or(Ok(()), loop_device::LoopDevice::detach);
        done(detached.map_err(ErrorReport::from))
    }
}

/// Attaches a read-only loop device to an image file.
#[napi]
pub fn attach_loop(image: Buffer, options: Option<LoopOptions>) -> LoopOutcome {
    attach_file(path(&image), options).into()
}

fn attach_file(image: &Path, options: Option<LoopOptions>) -> Result<LoopDevice, ErrorReport> {
    let file = open_source(image).map_err(unreachable_target(image))?;
    let (offset, length) = options.map_or((None, None), |options| (options.offset, options.length));
    // The kernel refuses what was negative.
    let options = loop_device::LoopOptions {
        offset: offset.unwrap_or(0).cast_unsigned(),
        length: length.map(i64::cast_unsigned),
    };
    let attached = attach(file.as_fd(), options)?;
    Ok(LoopDevice {
        path: attached.path().display().to_string(),
        attached: Some(attached),
    })
}

impl From<LoopError> for ErrorReport {
    fn from(error: LoopError) -> Self {
        let causes = causes::causes(&error);
        Self::new(
            "ERR_MOUNT_FAILED",
            error.to_string(),
            causes,
            vec![mount_hint().to_owned()],
        )
    }
}
