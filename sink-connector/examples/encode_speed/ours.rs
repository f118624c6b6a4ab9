//! The sink's converters and encoders.

use std::hint::black_box;

use anyhow::Result;
use sluiceway_common::props::{self, Properties};
use sluiceway_sink::config::{Compression, ConnectorConfig, FormatConfig};
use sluiceway_sink::encode;
use sluiceway_sink::pipeline::{Outcome, Pipeline};
use sluiceway_sink::record::{Datum, RawRecord};

use super::take_part;

/// Converter, partitioner and encoder of a connector.
pub(super) fn piped(lines: &[Vec<u8>], more: &str) -> Result<()> {
    let text = format!(
        "name=c\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1\nstorage.class=S3Storage\n\
         format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n\
         value.converter.schemas.enable=false\n{more}"
    );
    let config = ConnectorConfig::parse(&props::parse(&text)?, &Properties::new())?;
    let mut pipeline = Pipeline::new(&config)?;
    let mut encoder = pipeline.format().encoder("k");
    let mut out = Vec::new();
    for (offset, line) in lines.iter().enumerate() {
        let raw = RawRecord {
            topic: "t",
            partition: 0,
            offset: offset as i64,
            timestamp: Some(0),
            key: None,
            value: Some(line),
            headers: None,
        };
        if let Outcome::Write(record) = pipeline.process(&raw)? {
            encoder.write(&record.value, &mut out)?;
        }
        take_part(&mut out);
    }
    encoder.finish(&mut out)?;
    black_box(out);
    Ok(())
}

pub(super) fn encoded(data: &[Datum<'_>], format: &FormatConfig) -> Result<()> {
    let format = encode::format(format, Compression::None);
    let mut encoder = format.encoder("k");
    let mut out = Vec::new();
    for datum in data {
        encoder.write(datum, &mut out)?;
        take_part(&mut out);
    }
    encoder.finish(&mut out)?;
    black_box(out);
    Ok(())
}
