//! Multipart uploads, as the sink makes them and leaves them behind.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use dev_services::s3::{S3, S3Options};

use super::{BUCKET, Bench, client, code, files};

const PART: usize = 5 << 20;

async fn create(bench: &Bench, key: &str) -> String {
    let created = bench
        .client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    created.upload_id.unwrap()
}

async fn part(bench: &Bench, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let part = bench
        .client
        .upload_part()
        .bucket(BUCKET)
        .key(key)
        .upload_id(id)
        .part_number(number);
    let part = part.body(body.into()).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .e_tag(part.e_tag().unwrap())
        .build()
}

macro_rules! complete {
    ($bench:expr, $key:expr, $id:expr, $parts:expr) => {{
        let upload = CompletedMultipartUpload::builder()
            .set_parts(Some($parts))
            .build();
        $bench
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key($key)
            .upload_id($id)
            .multipart_upload(upload)
    }};
}

/// Files of uploads and bodies on the way.
fn left_over(bench: &Bench) -> Vec<String> {
    let state = |file: &String| file.contains("uploads/") || file.contains("incoming/");
    files(bench.root.path()).into_iter().filter(state).collect()
}

#[tokio::test]
async fn parts_become_one_object_and_leave_nothing() {
    let bench = Bench::start().await;
    bench.put("k", "before").await;
    let id = create(&bench, "k").await;
    let second = part(&bench, "k", &id, 2, b"end".to_vec()).await;
    part(&bench, "k", &id, 1, b"replaced".to_vec()).await;
    let first = part(&bench, "k", &id, 1, vec![b'x'; PART]).await;
    assert_eq!(bench.get("k").await, b"before");
    let done = complete!(bench, "k", &id, vec![first, second])
        .send()
        .await
        .unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""));
    let object = bench.get("k").await;
    assert_eq!((object.len(), &object[PART..]), (PART + 3, &b"end"[..]));
    let head = bench
        .client
        .head_object()
        .bucket(BUCKET)
        .key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), done.e_tag());
    assert!(left_over(&bench).is_empty(), "{:?}", left_over(&bench));
    assert_eq!(files(&bench.root.path().join(BUCKET)), ["k"]);
}

#[tokio::test]
async fn refused_completions_leave_the_upload_as_it_was() {
    let bench = Bench::start().await;
    let id = create(&bench, "k").await;
    let small = part(&bench, "k", &id, 1, b"small".to_vec()).await;
    let last = part(&bench, "k", &id, 2, b"last".to_vec()).await;
    let unknown = CompletedPart::builder()
        .part_number(3)
        .e_tag("\"x\"")
        .build();
    let refused = |parts| async { code!(complete!(bench, "k", &id, parts).send().await) };
    assert_eq!(
        refused(vec![small.clone(), last.clone()]).await,
        "EntityTooSmall"
    );
    assert_eq!(
        refused(vec![last.clone(), small.clone()]).await,
        "InvalidPartOrder"
    );
    assert_eq!(refused(vec![small.clone(), unknown]).await, "InvalidPart");
    bench.put("k", "there").await;
    let only_new = complete!(bench, "k", &id, vec![small.clone()])
        .if_none_match("*")
        .send()
        .await;
    assert_eq!(code!(only_new), "PreconditionFailed");
    assert_eq!(bench.get("k").await, b"there");
    complete!(bench, "k", &id, vec![small])
        .send()
        .await
        .unwrap();
    assert_eq!(bench.get("k").await, b"small");
}

#[tokio::test]
async fn orphans_survive_are_listed_and_can_be_aborted() {
    let bench = Bench::start().await;
    let (one, two) = (
        create(&bench, "topics/a").await,
        create(&bench, "topics/b").await,
    );
    let other = create(&bench, "other").await;
    part(&bench, "topics/a", &one, 1, b"x".to_vec()).await;
    bench.server.stop().await;
    let server = S3::start(S3Options::new(bench.root.path())).await.unwrap();
    let bench = Bench {
        client: client(&server, "devsecret"),
        server,
        root: bench.root,
    };
    let list = || bench.client.list_multipart_uploads().bucket(BUCKET);
    let ids = |uploads: &[aws_sdk_s3::types::MultipartUpload]| -> Vec<String> {
        uploads
            .iter()
            .map(|upload| upload.upload_id().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(list().send().await.unwrap().uploads()),
        [&other[..], &one, &two]
    );
    let page = list()
        .prefix("topics/")
        .max_uploads(1)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (ids(page.uploads()), page.is_truncated()),
        (vec![one.clone()], Some(true))
    );
    assert!(page.uploads()[0].initiated().is_some());
    let next = list()
        .prefix("topics/")
        .set_key_marker(page.next_key_marker.clone());
    let next = next
        .set_upload_id_marker(page.next_upload_id_marker.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(ids(next.uploads()), [&two[..]]);
    let parts = bench
        .client
        .list_parts()
        .bucket(BUCKET)
        .key("topics/a")
        .upload_id(&one)
        .send()
        .await
        .unwrap();
    assert_eq!((parts.parts().len(), parts.parts()[0].size()), (1, Some(1)));
    for (key, id) in [("topics/a", &one), ("topics/b", &two), ("other", &other)] {
        bench
            .client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .upload_id(id)
            .send()
            .await
            .unwrap();
    }
    assert!(list().send().await.unwrap().uploads().is_empty());
    assert!(left_over(&bench).is_empty(), "{:?}", left_over(&bench));
    let gone = complete!(bench, "topics/a", &one, vec![]).send().await;
    assert_eq!(code!(gone), "NoSuchUpload");
    let late = bench
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("topics/a")
        .upload_id(&one)
        .part_number(1);
    assert_eq!(
        code!(late.body(b"x".to_vec().into()).send().await),
        "NoSuchUpload"
    );
}
