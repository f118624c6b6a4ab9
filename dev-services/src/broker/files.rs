//! Small files that are replaced as a whole: a reader (or the next start) sees the old content or the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Replaces the content of `path`. A crash in between leaves at most a file with `~` at the end of its name.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push("~");
    let fresh = PathBuf::from(name);
    fs::write(&fresh, content)?;
    fs::rename(&fresh, path)
}

/// The content of `path`, `None` when there is no such file.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The error for a file whose content makes no sense.
pub(crate) fn invalid(path: &Path, what: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {what}", path.display()),
    )
}
