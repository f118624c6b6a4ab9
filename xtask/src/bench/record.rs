//! Records like the posts of the worked pipeline, of one exact size.

/// A JSON object of exactly `size` bytes; different `number`s give different records.
pub(crate) fn json(number: u64, size: usize) -> String {
    let head = format!(
        "{{\"index\":{},\"unique_id\":\"{:08x}-0000-4000-8000-{number:012x}\",\"title\":\"No Title Data Available\",\
         \"poster_name\":\"User Info Error\",\"follower_count\":\"124k\",\"tag_list\":\"N,o, ,T,a,g,s\",\
         \"is_image_or_video\":\"image\",\"image_src\":\"Image src error.\",\"downloaded\":{},\
         \"save_location\":\"Local save in /data/travel\",\"category\":\"travel\",\"description\":\"",
        number % 11_000,
        number.wrapping_mul(2_654_435_761) as u32,
        number % 2,
    );
    let filling = size.saturating_sub(head.len() + 2);
    let words = "No description available Story format "
        .chars()
        .cycle()
        .take(filling);
    format!("{head}{}\"}}", words.collect::<String>())
}

/// A body of a v2 produce request with `count` such records, none with a key.
pub(crate) fn produce_request(first: u64, count: usize, size: usize) -> String {
    let values = (first..)
        .take(count)
        .map(|number| format!("{{\"value\":{}}}", json(number, size)));
    format!("{{\"records\":[{}]}}", values.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn records_have_the_size_and_are_json() {
        for number in [0, 1, 10_999, 4_000_000_000] {
            let text = json(number, 493);
            assert_eq!(text.len(), 493);
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
        let body: serde_json::Value = serde_json::from_str(&produce_request(7, 3, 493)).unwrap();
        assert_eq!(body["records"].as_array().unwrap().len(), 3);
        assert_ne!(body["records"][0], body["records"][1]);
    }
}
