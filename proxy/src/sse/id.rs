//! Event ids: the last offset of every partition that a stream has shown, `orders:0:12,orders:1:7`.
//!
//! Topic names hold neither colons nor commas. The id of a stream over one partition is that partition's alone.

use std::fmt::Write;

use crate::consumer::Taken;
use crate::error::Error;

/// Partitions that an id may name.
const MAX_PARTITIONS: usize = 1000;

/// Where a stream stands.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Positions(Vec<(String, i32, i64)>);

impl Positions {
    /// Reads an id.
    ///
    /// # Errors
    /// It is none of ours.
    pub(crate) fn parse(id: &str) -> Result<Self, Error> {
        let mut positions = Self::default();
        let parts = id.split(',').map(str::trim).filter(|part| !part.is_empty());
        for part in parts {
            let place = place(part).filter(|_| positions.0.len() < MAX_PARTITIONS);
            let (topic, partition, offset) = place.ok_or_else(|| {
                let shown: String = part.chars().take(64).collect();
                Error::BadRequest(format!(
                    "Last-Event-ID holds \"{shown}\", which is no topic:partition:offset of an event"
                ))
            })?;
            positions.set(topic, partition, offset);
        }
        Ok(positions)
    }

    /// The partitions and their last offsets.
    pub(crate) fn list(&self) -> &[(String, i32, i64)] {
        &self.0
    }

    fn set(&mut self, topic: &str, partition: i32, offset: i64) {
        let known = self
            .0
            .iter_mut()
            .find(|(known, number, _)| *number == partition && known == topic);
        match known {
            Some((.., last)) => *last = offset,
            None => self.0.push((topic.to_owned(), partition, offset)),
        }
    }

    /// The events of what was read, each with the id that is right after it.
    pub(crate) fn text(&mut self, taken: &Taken) -> Vec<u8> {
        const EVENT_BYTES: usize = 48;
        let mut out = Vec::with_capacity(taken.body.len() + taken.events.len() * EVENT_BYTES);
        let mut id = String::new();
        for event in &taken.events {
            if let Some((_, topic, partition)) =
                taken.names.iter().find(|(part, ..)| *part == event.part)
            {
                self.set(topic, *partition, event.offset);
            }
            id.clear();
            for (index, (topic, partition, offset)) in self.0.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(id, "{comma}{topic}:{partition}:{offset}");
            }
            out.extend_from_slice(b"id: ");
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(b"\ndata: ");
            // Minified JSON has no line ends.
            out.extend_from_slice(taken.body.get(event.json.clone()).unwrap_or_default());
            out.extend_from_slice(b"\n\n");
        }
        out
    }
}

fn place(part: &str) -> Option<(&str, i32, i64)> {
    let (rest, offset) = part.rsplit_once(':')?;
    let (topic, partition) = rest.rsplit_once(':')?;
    let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
    (!topic.is_empty() && partition >= 0 && offset >= 0).then_some((topic, partition, offset))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::consumer::pending::Event;

    #[test]
    fn ids() {
        let positions = Positions::parse("a.b-c:0:12, d:3:0,a.b-c:0:13").unwrap();
        let expected = [("a.b-c".to_owned(), 0, 13), ("d".to_owned(), 3, 0)];
        assert_eq!(positions.list(), expected);
        assert_eq!(Positions::parse("").unwrap(), Positions::default());
        for bad in ["x", "a:0", "a:b:1", "a:0:-1", ":0:1", "a:0:1:x"] {
            assert!(Positions::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_has_all_positions() {
        let mut positions = Positions::parse("t:1:7").unwrap();
        let event = |part, offset, json| Event { part, offset, json };
        let taken = Taken {
            body: b"[{},[1]]".to_vec(),
            records: 2,
            events: vec![event(0, 4, 1..3), event(1, 8, 4..7)],
            names: vec![(0, "t".into(), 0), (1, "t".into(), 1)],
            ..Taken::default()
        };
        let text = String::from_utf8(positions.text(&taken)).unwrap();
        assert_eq!(
            text,
            "id: t:1:7,t:0:4\ndata: {}\n\nid: t:1:8,t:0:4\ndata: [1]\n\n"
        );
    }
}
