//! An Avro object container file as a comparison sees it: its schema as JSON, its codec, the names of its metadata, and
//! every datum as text in which maps are sorted. In: the bytes of an object. Fails on what no Avro reader would take.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Datum;
use serde_json::Value;

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct AvroFile {
    /// The writer's schema with every attribute.
    pub schema: Value,
    /// `null`, `deflate`, `snappy`, `bzip2`.
    pub codec: String,
    /// Names of the file's metadata.
    pub metadata: Vec<String>,
    /// One text a datum.
    pub rows: Vec<String>,
}

impl AvroFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is none, or its data do not fit its schema.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut input = Input(bytes);
        ensure!(input.take(4)? == b"Obj\x01", "no Avro file");
        let metadata = input.metadata()?;
        let sync = input.take(16)?.to_vec();
        let text = std::str::from_utf8(metadata.get("avro.schema").context("no schema")?)?;
        let codec = metadata
            .get("avro.codec")
            .map_or(&b"null"[..], Vec::as_slice);
        let codec = String::from_utf8(codec.to_vec())?;
        let schema = Schema::parse_str(text).context("the file's schema")?;
        let reader = GenericDatumReader::builder(&schema).build()?;
        let mut rows = Vec::new();
        while !input.0.is_empty() {
            let count = input.long()?;
            let block = input.bytes()?;
            let block = unpack(&codec, block)?;
            let mut data = &block[..];
            for _ in 0..count {
                let datum = reader.read_value(&mut data)?;
                rows.push(shown(&datum));
            }
            ensure!(data.is_empty(), "bytes behind the last datum of a block");
            ensure!(input.take(16)? == sync, "wrong sync marker");
        }
        Ok(Self {
            schema: serde_json::from_str(text)?,
            codec,
            metadata: metadata.into_keys().collect(),
            rows,
        })
    }
}

fn unpack(codec: &str, block: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    match codec {
        "null" => plain.extend_from_slice(block),
        "deflate" => drop(flate2::read::DeflateDecoder::new(block).read_to_end(&mut plain)?),
        "bzip2" => drop(bzip2::read::BzDecoder::new(block).read_to_end(&mut plain)?),
        "snappy" => {
            let (packed, _crc) = block
                .split_at_checked(block.len().saturating_sub(4))
                .context("short block")?;
            plain = snap::raw::Decoder::new().decompress_vec(packed)?;
        }
        other => bail!("codec {other}"),
    }
    Ok(plain)
}

fn shown(datum: &Datum) -> String {
    let list = |items: &[Datum]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match datum {
        Datum::Map(entries) => {
            let sorted: BTreeMap<_, _> = entries
                .iter()
                .map(|(key, value)| (key, shown(value)))
                .collect();
            format!("map {sorted:?}")
        }
        Datum::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", shown(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Datum::Array(items) => format!("[{}]", list(items)),
        Datum::Union(_, value) => shown(value),
        other => format!("{other:?}"),
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .context("the file ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn long(&mut self) -> Result<i64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        bail!("a number of more than 64 bits")
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.long()?)?;
        self.take(length)
    }

    fn metadata(&mut self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut all = BTreeMap::new();
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(all);
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.abs() {
                let key = String::from_utf8(self.bytes()?.to_vec())?;
                all.insert(key, self.bytes()?.to_vec());
            }
        }
    }
}
