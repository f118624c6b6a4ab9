//! A build without Parquet.

use super::rows::Rows;

pub(super) fn rows(_: Vec<u8>, _: usize) -> Result<Rows, String> {
    Err("this build cannot read Parquet (feature `parquet`): use a link".to_owned())
}
