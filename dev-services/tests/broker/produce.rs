//! Records in and out: codecs, sizes, keys and headers, times, acknowledgements, idempotence.

use std::time::{Duration, Instant};

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest, TopicName, TransactionalId};
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, TopicPartitionList};

use super::wire::Wire;
use super::{Bench, SOON, consumer, numbered, produce, read, text};

#[tokio::test]
async fn every_codec_is_stored_and_read_back() {
    let bench = Bench::start().await;
    let values = numbered(3_000);
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let settings = [("compression.codec", codec), ("linger.ms", "20")];
        let answers = produce(&bench.bootstrap(), codec, &values, &settings);
        assert!(answers.into_iter().eq((0..3_000).map(Ok)), "{codec}");
        let records = read(&bench.bootstrap(), codec, 0, values.len());
        assert!(
            records
                .iter()
                .map(text)
                .eq(values.iter().map(String::as_str)),
            "{codec}"
        );
    }
}

#[tokio::test]
async fn keys_headers_tombstones_and_times_are_kept() {
    let bench = Bench::start().await;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bench.bootstrap())
        .create()
        .unwrap();
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "h",
            value: Some("1"),
        })
        .insert(Header {
            key: "h",
            value: None::<&str>,
        });
    let full = BaseRecord::to("t")
        .key("k")
        .payload("v")
        .timestamp(1_234)
        .headers(headers);
    producer.send(full).map_err(|(error, _)| error).unwrap();
    producer
        .send(BaseRecord::<_, ()>::to("t").key("k"))
        .map_err(|(error, _)| error)
        .unwrap();
    producer.flush(SOON).unwrap();
    let records = read(&bench.bootstrap(), "t", 0, 2);
    assert_eq!(
        (records[0].key(), records[0].timestamp().to_millis()),
        (Some(&b"k"[..]), Some(1_234))
    );
    let headers = records[0].headers().unwrap();
    assert_eq!(
        (headers.count(), headers.get(0).value, headers.get(1).value),
        (2, Some(&b"1"[..]), None)
    );
    assert_eq!(records[1].payload(), None);
}

#[tokio::test]
async fn batches_that_are_too_large_are_refused_and_large_ones_are_not() {
    let bench = Bench::start().await;
    let settings = [("message.max.bytes", "9000000")];
    let answers = produce(&bench.bootstrap(), "t", &["x".repeat(2_000_000)], &settings);
    assert!(
        answers[0]
            .as_ref()
            .unwrap_err()
            .contains("MessageSizeTooLarge"),
        "{answers:?}"
    );
    let large = "x".repeat(1_048_000);
    assert_eq!(
        produce(
            &bench.bootstrap(),
            "t",
            std::slice::from_ref(&large),
            &settings
        ),
        [Ok(0)]
    );
    let small: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bench.bootstrap())
        .set("group.id", "g")
        .set("fetch.message.max.bytes", "1000")
        .set("fetch.max.bytes", "2000000")
        .create()
        .unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions
        .add_partition_offset("t", 0, rdkafka::Offset::Beginning)
        .unwrap();
    small.assign(&partitions).unwrap();
    let record = small.poll(SOON).unwrap().unwrap();
    assert_eq!(record.payload().unwrap().len(), large.len());
}

#[tokio::test]
async fn a_waiting_fetch_is_answered_as_soon_as_there_is_a_record() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(1), &[]);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bench.bootstrap())
        .set("group.id", "g")
        .set("fetch.wait.max.ms", "30000")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition("t", 0);
    consumer.assign(&partitions).unwrap();
    consumer.poll(SOON).unwrap().unwrap();
    assert!(
        consumer.poll(Duration::from_millis(300)).is_none(),
        "the next fetch waits now"
    );
    let before = Instant::now();
    produce(&bench.bootstrap(), "t", &numbered(1), &[("linger.ms", "0")]);
    assert_eq!(consumer.poll(SOON).unwrap().unwrap().offset(), 1);
    assert!(
        before.elapsed() < Duration::from_secs(5),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test]
async fn acks_zero_is_stored_without_an_answer() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(50), &[("acks", "0")]);
    assert_eq!(read(&bench.bootstrap(), "t", 0, 50).len(), 50);
}

#[tokio::test]
async fn an_idempotent_producer_works_and_a_transactional_one_is_told_why_not() {
    let bench = Bench::start().await;
    let settings = [("enable.idempotence", "true"), ("linger.ms", "1")];
    let answers = produce(&bench.bootstrap(), "t", &numbered(2_000), &settings);
    assert!(answers.into_iter().eq((0..2_000).map(Ok)));
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bench.bootstrap())
        .set("transactional.id", "x");
    let transactional: BaseProducer = config.create().unwrap();
    let refused = transactional
        .init_transactions(Duration::from_secs(10))
        .unwrap_err();
    assert!(refused.to_string().contains("no transactions"), "{refused}");
    let mut wire = Wire::connect(&bench.bootstrap());
    let request =
        InitProducerIdRequest::default().with_transactional_id(Some(TransactionalId("x".into())));
    assert_eq!(wire.call(4, &request).error_code, 53);
}

/// A batch of an idempotent producer, sent as it is.
fn send(
    wire: &mut Wire,
    topic: &str,
    producer: (i64, i16),
    sequence: i32,
    count: i32,
) -> PartitionProduceResponse {
    let records: Vec<Record> = (0..count)
        .map(|index| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: producer.0,
            producer_epoch: producer.1,
            timestamp_type: TimestampType::Creation,
            offset: i64::from(index),
            sequence: sequence + index,
            timestamp: 1_000,
            key: None,
            value: Some("v".into()),
            headers: Default::default(),
        })
        .collect();
    let mut batch = bytes::BytesMut::new();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    RecordBatchEncoder::encode(&mut batch, &records, &options).unwrap();
    let partition = PartitionProduceData::default()
        .with_index(0)
        .with_records(Some(batch.freeze()));
    let topic = TopicProduceData::default()
        .with_name(TopicName(topic.to_owned().into()))
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic]);
    wire.call(9, &request)
        .responses
        .remove(0)
        .partition_responses
        .remove(0)
}

#[tokio::test]
async fn batches_sent_again_are_answered_with_their_first_offset() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(10), &[]);
    let mut wire = Wire::connect(&bench.bootstrap());
    let init = InitProducerIdRequest::default().with_transactional_id(None);
    let id = wire.call(4, &init).producer_id.0;
    assert_ne!(wire.call(4, &init).producer_id.0, id);
    let mut send = |epoch, sequence, count| {
        let answer = send(&mut wire, "t", (id, epoch), sequence, count);
        (answer.error_code, answer.base_offset)
    };
    assert_eq!(send(0, 0, 3), (0, 10));
    assert_eq!(send(0, 3, 2), (0, 13));
    assert_eq!(send(0, 0, 3), (0, 10));
    assert_eq!(send(0, 6, 1), (45, -1), "a gap");
    assert_eq!(send(1, 0, 1), (0, 15), "a new epoch starts again");
    assert_eq!(send(0, 5, 1), (47, -1), "the old epoch is fenced");
    let mut wire = Wire::connect(&bench.bootstrap());
    assert_eq!(
        super::produce::send(&mut wire, "nowhere", (-1, -1), -1, 1).error_code,
        3
    );
    assert_eq!(read(&bench.bootstrap(), "t", 0, 16).len(), 16);
}

#[tokio::test]
async fn times_lead_to_offsets() {
    let bench = Bench::start().await;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bench.bootstrap())
        .set("linger.ms", "50")
        .create()
        .unwrap();
    for time in [1_000, 2_000, 3_000] {
        producer
            .send(BaseRecord::<(), _>::to("t").payload("v").timestamp(time))
            .map_err(|(e, _)| e)
            .unwrap();
    }
    producer.flush(SOON).unwrap();
    let consumer = consumer(&bench.bootstrap(), "g");
    let find = |time| {
        let mut wanted = TopicPartitionList::new();
        wanted
            .add_partition_offset("t", 0, rdkafka::Offset::Offset(time))
            .unwrap();
        consumer.offsets_for_times(wanted, SOON).unwrap().elements()[0].offset()
    };
    assert_eq!(find(0), rdkafka::Offset::Offset(0));
    assert_eq!(find(1_500), rdkafka::Offset::Offset(1));
    assert_eq!(find(3_000), rdkafka::Offset::Offset(2));
    assert_eq!(find(3_001), rdkafka::Offset::End);
    assert_eq!(consumer.fetch_watermarks("t", 0, SOON).unwrap(), (0, 3));
}
