//! Binary data, piece by piece.

use std::borrow::Cow;

use crate::error::DataError;

/// Array and map items a datum may have beyond one per byte (items of type `null` take none).
const FREE_ITEMS: u64 = 1 << 20;

/// A cursor over binary data. Every method reads one piece; what fails leaves the cursor anywhere.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    items_left: u64,
}

impl<'a> Reader<'a> {
    /// A cursor at the front of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            items_left: bytes.len() as u64 + FREE_ITEMS,
        }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes: a `fixed`.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`].
    pub fn fixed(&mut self, len: usize) -> Result<&'a [u8], DataError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(DataError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A `boolean`. As in Java only 1 is true.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`].
    pub fn boolean(&mut self) -> Result<bool, DataError> {
        Ok(self.fixed(1)? == [1])
    }

    /// An `int`, or an index of an enum or union.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`]; more than 32 bits.
    pub fn int(&mut self) -> Result<i32, DataError> {
        let bits = self.varint(5, "Invalid int encoding")? as u32;
        Ok((bits >> 1) as i32 ^ -((bits & 1) as i32))
    }

    /// A `long`.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`]; more than 64 bits.
    pub fn long(&mut self) -> Result<i64, DataError> {
        let bits = self.varint(10, "Invalid long encoding")?;
        Ok((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn varint(&mut self, longest: usize, invalid: &str) -> Result<u64, DataError> {
        let mut value = 0_u64;
        for (at, byte) in self.rest.iter().enumerate() {
            if at == longest {
                return Err(DataError::Malformed(invalid.to_owned()));
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(DataError::UnexpectedEnd)
    }

    /// A `float`.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`].
    pub fn float(&mut self) -> Result<f32, DataError> {
        let bytes = self.fixed(4)?.try_into();
        bytes
            .map(f32::from_le_bytes)
            .map_err(|_| DataError::UnexpectedEnd)
    }

    /// A `double`.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`].
    pub fn double(&mut self) -> Result<f64, DataError> {
        let bytes = self.fixed(8)?.try_into();
        bytes
            .map(f64::from_le_bytes)
            .map_err(|_| DataError::UnexpectedEnd)
    }

    /// `bytes`.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`]; a negative length.
    pub fn bytes(&mut self) -> Result<&'a [u8], DataError> {
        let len = self.long()?;
        let len = usize::try_from(len).map_err(|_| {
            DataError::Malformed(format!("Malformed data. Length is negative: {len}"))
        })?;
        self.fixed(len)
    }

    /// A `string`. Bytes that are no UTF-8 become U+FFFD, as in Java.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn string(&mut self) -> Result<Cow<'a, str>, DataError> {
        self.bytes().map(String::from_utf8_lossy)
    }

    /// How many items the next block of an array or map has; 0 ends it.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`]; more items than the data can hold.
    pub fn block(&mut self) -> Result<usize, DataError> {
        let mut count = self.long()?;
        if count < 0 {
            // A block with its size in bytes, which is of use only to who skips it.
            self.long()?;
            count = count.checked_neg().ok_or(DataError::UnexpectedEnd)?;
        }
        let count = count as u64;
        self.items_left = self
            .items_left
            .checked_sub(count)
            .ok_or(DataError::UnexpectedEnd)?;
        usize::try_from(count).map_err(|_| DataError::UnexpectedEnd)
    }

    /// The index of one of `count` symbols or branches.
    ///
    /// # Errors
    /// [`DataError::UnexpectedEnd`]; an index that is out of range.
    pub fn index(&mut self, count: usize) -> Result<usize, DataError> {
        let index = self.int()?;
        usize::try_from(index)
            .ok()
            .filter(|found| *found < count)
            .ok_or_else(|| {
                DataError::Malformed(format!("Index {index} out of bounds for length {count}"))
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(Reader::new(&[3]).int().unwrap(), -2);
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).int().unwrap(),
            i32::MIN
        );
        let min = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Reader::new(&min).long().unwrap(), i64::MIN);
        assert!(matches!(
            Reader::new(&[0xff; 6]).int(),
            Err(DataError::Malformed(_))
        ));
        assert_eq!(Reader::new(&[0x80]).long(), Err(DataError::UnexpectedEnd));
    }

    #[test]
    fn lengths_and_counts_are_bounded_by_the_data() {
        let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Reader::new(&huge).bytes(), Err(DataError::UnexpectedEnd));
        assert_eq!(Reader::new(&huge).block(), Err(DataError::UnexpectedEnd));
        assert!(matches!(
            Reader::new(&[1]).bytes(),
            Err(DataError::Malformed(_))
        ));
        assert_eq!(Reader::new(&[3, 8]).block(), Ok(2));
    }
}
