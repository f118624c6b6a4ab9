//! What routes read and answer in, with JAX-RS's preferences. The strict lists are those of the original's 7.9; with
//! `sluiceway.lenient.media.types` they go on with what its versions 5 to 7.2 knew beside them.

use super::MediaType;

/// A media type that a route can answer in, and how gladly: JAX-RS's `qs`, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The media type.
    pub media: MediaType,
    /// The server's own quality, 0 to 1000.
    pub quality: u16,
}

const fn offer(media: MediaType, quality: u16) -> Offer {
    Offer { media, quality }
}

/// The lists of one proxy.
#[derive(Debug, Clone, Copy)]
pub struct Offers {
    /// Whether older clients' types are taken, too.
    pub lenient: bool,
}

impl Offers {
    /// What all plain v2 resources answer in.
    #[must_use]
    pub fn v2(self) -> &'static [Offer] {
        self.choose(&V2, 1)
    }

    /// What the resources of consumers answer in.
    #[must_use]
    pub fn consumers(self) -> &'static [Offer] {
        self.choose(&CONSUMERS, 6)
    }

    /// What records are answered in.
    #[must_use]
    pub fn records(self) -> &'static [Offer] {
        self.choose(&RECORDS, 6)
    }

    /// What all of v3 answers in.
    #[must_use]
    pub fn json(self) -> &'static [Offer] {
        &JSON
    }

    /// What requests of plain v2 resources may call their bodies.
    #[must_use]
    pub fn reads_v2(self) -> Vec<MediaType> {
        self.reads(&[MediaType::V2])
    }

    /// What requests of consumers may call their bodies.
    #[must_use]
    pub fn reads_consumers(self) -> Vec<MediaType> {
        let strict = CONSUMERS.iter().take(6).map(|offer| offer.media);
        let strict: Vec<MediaType> = strict.collect();
        let mut all = self.reads(&strict);
        if self.lenient {
            all.extend([MediaType::V1Binary, MediaType::V1Json, MediaType::V1Avro]);
        }
        all
    }

    /// What produce requests may call a body of records.
    #[must_use]
    pub fn reads_records(self) -> Vec<MediaType> {
        let formats = PRODUCED.into_iter();
        formats
            .flat_map(|format| self.reads_format(format))
            .collect()
    }

    fn reads_format(self, strict: MediaType) -> Vec<MediaType> {
        let older = match strict {
            _ if !self.lenient => None,
            // A body of any general type held binary records.
            MediaType::V2Binary => Some(MediaType::V1Binary),
            MediaType::V2Json => Some(MediaType::V1Json),
            MediaType::V2Avro => Some(MediaType::V1Avro),
            _ => None,
        };
        let mut all = match strict {
            MediaType::V2Binary => self.reads(&[strict]),
            strict => vec![strict],
        };
        all.extend(older);
        all
    }

    fn reads(self, strict: &[MediaType]) -> Vec<MediaType> {
        let older = [
            MediaType::V1,
            MediaType::Unversioned,
            MediaType::Json,
            MediaType::Bytes,
        ];
        let older = older.into_iter().filter(|_| self.lenient);
        strict.iter().copied().chain(older).collect()
    }

    fn choose(self, all: &'static [Offer], strict: usize) -> &'static [Offer] {
        match self.lenient {
            true => all,
            false => all.get(..strict).unwrap_or(all),
        }
    }
}

/// The formats that records can be posted in.
pub(crate) const PRODUCED: [MediaType; 5] = [
    MediaType::V2Binary,
    MediaType::V2Json,
    MediaType::V2Avro,
    MediaType::V2JsonSchema,
    MediaType::V2Protobuf,
];

/// Plain resources; strict is the first.
const V2: [Offer; 4] = [
    offer(MediaType::V2, 900),
    offer(MediaType::V1, 800),
    offer(MediaType::Unversioned, 700),
    offer(MediaType::Json, 500),
];

/// Resources of consumers; strict are the first six.
const CONSUMERS: [Offer; 12] = [
    offer(MediaType::V2, 900),
    offer(MediaType::V2Binary, 100),
    offer(MediaType::V2Json, 100),
    offer(MediaType::V2Avro, 100),
    offer(MediaType::V2JsonSchema, 100),
    offer(MediaType::V2Protobuf, 100),
    offer(MediaType::V1, 90),
    offer(MediaType::Unversioned, 80),
    offer(MediaType::Json, 70),
    offer(MediaType::V1Binary, 60),
    offer(MediaType::V1Json, 60),
    offer(MediaType::V1Avro, 60),
];

/// Records; strict are the first six.
const RECORDS: [Offer; 12] = [
    offer(MediaType::V2Binary, 1000),
    offer(MediaType::V2, 900),
    offer(MediaType::V2Json, 100),
    offer(MediaType::V2Avro, 100),
    offer(MediaType::V2JsonSchema, 100),
    offer(MediaType::V2Protobuf, 100),
    offer(MediaType::V1Binary, 90),
    offer(MediaType::V1, 80),
    offer(MediaType::Unversioned, 70),
    offer(MediaType::V1Json, 60),
    offer(MediaType::V1Avro, 60),
    offer(MediaType::Json, 50),
];

const JSON: [Offer; 1] = [offer(MediaType::Json, 1000)];
