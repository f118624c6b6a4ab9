//! Objects: content, attributes, conditions, checksums, listings, and the files behind them.

use aws_sdk_s3::types::{ChecksumAlgorithm, Delete, ObjectIdentifier};
use dev_services::s3::{S3, S3Error, S3Options};

use super::{BUCKET, Bench, client, code, files};

#[tokio::test]
async fn an_object_is_a_plain_file_and_nothing_else_lies_beside_it() {
    let bench = Bench::start().await;
    let key = "topics/t/partition=0/t+0+0000000000.json";
    let put = bench
        .client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .content_type("application/json");
    let put = put
        .metadata("a", "b")
        .body(b"{}\n".to_vec().into())
        .send()
        .await
        .unwrap();
    assert_eq!(std::fs::read(bench.file(key)).unwrap(), b"{}\n");
    assert_eq!(files(&bench.root.path().join(BUCKET)), [key]);
    let got = bench
        .client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.content_type(), Some("application/json"));
    assert_eq!(got.metadata().unwrap()["a"], "b");
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"{}\n");
    bench
        .client
        .delete_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    assert!(
        !bench.file("topics").exists(),
        "empty folders go with their last object"
    );
}

#[tokio::test]
async fn objects_survive_a_restart_and_files_put_there_by_hand_are_objects() {
    let bench = Bench::start().await;
    bench.put("kept", "content").await;
    let before = bench
        .client
        .head_object()
        .bucket(BUCKET)
        .key("kept")
        .send()
        .await
        .unwrap();
    bench.server.stop().await;
    std::fs::write(bench.file("by-hand"), "x").unwrap();
    let server = S3::start(S3Options::new(bench.root.path())).await.unwrap();
    let client = client(&server, "devsecret");
    let after = client
        .head_object()
        .bucket(BUCKET)
        .key("kept")
        .send()
        .await
        .unwrap();
    assert_eq!(before.e_tag(), after.e_tag());
    let by_hand = client
        .head_object()
        .bucket(BUCKET)
        .key("by-hand")
        .send()
        .await
        .unwrap();
    assert_eq!(
        by_hand.e_tag(),
        Some("\"9dd4e461268c8034f5c8564e155c67a6\"")
    );
}

#[tokio::test]
async fn conditional_writes_see_what_is_there() {
    let bench = Bench::start().await;
    let put = |body: &'static str| {
        bench
            .client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(body.as_bytes().to_vec().into())
    };
    let first = put("1").if_none_match("*").send().await.unwrap();
    assert_eq!(
        code!(put("2").if_none_match("*").send().await),
        "PreconditionFailed"
    );
    assert_eq!(
        code!(put("2").if_match("\"other\"").send().await),
        "PreconditionFailed"
    );
    assert_eq!(bench.get("k").await, b"1");
    put("3")
        .if_match(first.e_tag().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(bench.get("k").await, b"3");
    let get = bench.client.get_object().bucket(BUCKET).key("k");
    assert_eq!(
        code!(get.if_match(first.e_tag().unwrap()).send().await),
        "PreconditionFailed"
    );
}

#[tokio::test]
async fn every_kind_of_checksum_is_verified_and_given_back() {
    let bench = Bench::start().await;
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let put = bench
            .client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(b"body".to_vec().into());
        put.checksum_algorithm(algorithm.clone())
            .send()
            .await
            .unwrap();
        // The SDK compares the checksum on reading.
        assert_eq!(bench.get("k").await, b"body", "{algorithm}");
    }
    let wrong = bench
        .client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(b"other".to_vec().into());
    assert_eq!(
        code!(wrong.checksum_sha256("AAAA").send().await),
        "BadDigest"
    );
    assert_eq!(
        bench.get("k").await,
        b"body",
        "what does not arrive whole replaces nothing"
    );
    assert_eq!(
        files(bench.root.path())
            .iter()
            .filter(|file| file.contains("incoming"))
            .count(),
        0
    );
}

#[tokio::test]
async fn a_reader_sees_one_version_while_the_object_is_replaced() {
    let bench = Bench::start().await;
    let bodies: Vec<Vec<u8>> = [b'a', b'b']
        .iter()
        .map(|byte| vec![*byte; 3 << 20])
        .collect();
    let put = |body: &[u8]| {
        bench
            .client
            .put_object()
            .bucket(BUCKET)
            .key("k")
            .body(body.to_vec().into())
            .send()
    };
    put(&bodies[0]).await.unwrap();
    let writes = async {
        for turn in 0..8 {
            put(&bodies[turn % 2]).await.unwrap();
        }
    };
    let reads = async {
        for _ in 0..16 {
            let read = bench.get("k").await;
            assert!(bodies.contains(&read), "a mixture of {} bytes", read.len());
        }
    };
    tokio::join!(writes, reads);
}

#[tokio::test]
async fn listings_are_ordered_paged_and_grouped() {
    let bench = Bench::start().await;
    for key in ["t/a+0+1.json", "t/b 100%", "t/sub/x", "t/sub/y", "u"] {
        bench.put(key, "x").await;
    }
    let mut keys = Vec::new();
    let mut pages = bench
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .max_keys(2)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        keys.extend(
            page.unwrap()
                .contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    assert_eq!(
        keys,
        ["t/a+0+1.json", "t/b 100%", "t/sub/x", "t/sub/y", "u"]
    );
    let grouped = bench
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("t/")
        .delimiter("/")
        .send()
        .await
        .unwrap();
    assert_eq!(grouped.common_prefixes()[0].prefix(), Some("t/sub/"));
    assert_eq!(
        (grouped.contents().len(), grouped.key_count()),
        (2, Some(3))
    );
    let encoded = aws_sdk_s3::types::EncodingType::Url;
    let encoded = bench
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .encoding_type(encoded)
        .send()
        .await
        .unwrap();
    assert_eq!(encoded.contents()[0].key(), Some("t/a%2B0%2B1.json"));
    let after = bench
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .start_after("t/sub/x")
        .send()
        .await
        .unwrap();
    assert_eq!(after.contents().len(), 2);
}

#[tokio::test]
async fn keys_that_are_no_paths_are_kept_apart() {
    let bench = Bench::start().await;
    for key in ["/lead//t", "lead/t", "dir/", "a/../../b", "%empty/lead"] {
        bench
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(key.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
    }
    for key in ["/lead//t", "lead/t", "dir/", "a/../../b", "%empty/lead"] {
        assert_eq!(bench.get(key).await, key.as_bytes());
    }
    let blocked = bench
        .client
        .put_object()
        .bucket(BUCKET)
        .key("lead/t/below")
        .send()
        .await;
    assert_eq!(code!(blocked), "InvalidRequest");
    let long = bench
        .client
        .put_object()
        .bucket(BUCKET)
        .key("x".repeat(300))
        .send()
        .await;
    assert_eq!(code!(long), "KeyTooLongError");
}

#[tokio::test]
async fn ranges_copies_and_deletions() {
    let bench = Bench::start().await;
    bench.put("k", "0123456789").await;
    let range = bench
        .client
        .get_object()
        .bucket(BUCKET)
        .key("k")
        .range("bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(range.content_range(), Some("bytes 2-4/10"));
    assert_eq!(range.body.collect().await.unwrap().to_vec(), b"234");
    let source = format!("{BUCKET}/k");
    bench
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("copy")
        .copy_source(&source)
        .send()
        .await
        .unwrap();
    bench
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("k")
        .copy_source(&source)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (bench.get("copy").await, bench.get("k").await),
        (b"0123456789".to_vec(), b"0123456789".to_vec())
    );
    let id = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder()
        .objects(id("k"))
        .objects(id("copy"))
        .objects(id("none"))
        .build()
        .unwrap();
    let deleted = bench
        .client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.deleted().len(), 3);
    assert_eq!(
        code!(
            bench
                .client
                .get_object()
                .bucket(BUCKET)
                .key("k")
                .send()
                .await
        ),
        "NoSuchKey"
    );
    bench
        .client
        .delete_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(
        code!(bench.client.list_objects_v2().bucket(BUCKET).send().await),
        "NoSuchBucket"
    );
}

#[tokio::test]
async fn wrong_keys_ports_and_folders_in_use_are_refused() {
    let bench = Bench::start().await;
    let refused = client(&bench.server, "wrong").list_buckets().send().await;
    assert_eq!(code!(refused), "SignatureDoesNotMatch");
    let same_root = S3::start(S3Options::new(bench.root.path()))
        .await
        .unwrap_err();
    assert!(matches!(same_root, S3Error::RootInUse(_)), "{same_root}");
    let port = bench
        .server
        .endpoint()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let other = tempfile::tempdir().unwrap();
    let same_port = S3::start(S3Options {
        port,
        ..S3Options::new(other.path())
    })
    .await
    .unwrap_err();
    assert!(
        same_port.to_string().contains(&format!("127.0.0.1:{port}")),
        "{same_port}"
    );
    assert!(matches!(
        bench.server.create_bucket("Not_A_Bucket").await,
        Err(S3Error::BucketName(_))
    ));
}
