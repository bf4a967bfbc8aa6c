//! Becoming another program.

use std::ffi::CString;

use fuselage_linux::leave_node::leave_node;
use fuselage_linux::process::replace_process;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::path::path;
use crate::report::ErrorReport;

/// Becomes another program (execve(2)); returns only when that failed.
#[napi]
pub fn exec(file: Buffer, argv: Vec<Buffer>, environment: Vec<Buffer>) -> ErrorReport {
    let report = |error: &(dyn std::error::Error + 'static)| {
        let hint = "if the file is there and executable, pass fewer or shorter words and variables";
        ErrorReport::call(
            "ERR_COMMAND_NOT_EXECUTABLE",
            "execute",
            path(&file),
            error,
            hint,
        )
    };
    let prepared = strings(std::slice::from_ref(&file))
        .and_then(|file| Ok((file, strings(&argv)?, strings(&environment)?)));
    match prepared {
        Ok((file, argv, environment)) => {
            let left = leave_node();
            let error = replace_process(&file[0], &argv, &environment);
            left.come_back();
            report(&error)
        }
        Err(error) => report(&error),
    }
}

fn strings(list: &[Buffer]) -> Result<Vec<CString>, std::ffi::NulError> {
    list.iter()
        .map(|bytes| CString::new(bytes.to_vec()))
        .collect()
}
