//! The pages of docs/ that can be typed: see [`crate::pages`].

use anyhow::{Context, Result};

use crate::Session;
use crate::pages::Page;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! pages_cases {
    ($kind:ident) => {
        $crate::tests!($kind pages what_the_pages_say_to_type_works);
    };
}

/// The pages and their topics (of kinesis.md: how they begin). No two have one in common: whoever types one page after the
/// other, on the same Kafka, sees what the pages say.
const PAGES: [(&str, &str); 7] = [
    ("headers-and-timestamps.md", "visits"),
    ("errors.md", "payments"),
    ("raw.md", "orders"),
    ("streaming.md", "clicks"),
    ("gateways.md", "readings"),
    ("openapi.md", "nothing"),
    ("kinesis.md", "orders"),
];

/// Every command of every page prints what the page says.
///
/// # Errors
/// The case fails.
pub async fn what_the_pages_say_to_type_works(session: &Session) -> Result<()> {
    for (number, (name, word)) in PAGES.into_iter().enumerate() {
        let page = Page::open(name)?;
        let topic = session.topic(&format!("page{number}"), 1).await?;
        let properties: Vec<(&str, String)> = page
            .properties
            .iter()
            .map(|(key, value)| (&**key, value.replace(word, &topic)))
            .collect();
        let properties: Vec<(&str, &str)> = properties
            .iter()
            .map(|(key, value)| (*key, &**value))
            .collect();
        let mut proxy = Proxy::start(session, &properties).await?;
        page.run(&proxy.http.base(), (word, &topic))
            .with_context(|| format!("docs/{name}"))?;
        proxy.stop().await?;
    }
    Ok(())
}
