//! The page at `/docs`: Swagger UI as its authors publish it (`page/README.md`), with what starts it.
//!
//! It is one document, so that it works wherever a front server puts it, and loads nothing from elsewhere.

use std::io::Read;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::read::GzDecoder;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &[u8] = include_bytes!("page/swagger-ui.css.gz");
const SCRIPT: &[u8] = include_bytes!("page/swagger-ui-bundle.js.gz");

/// Its own scripts and styles, pictures within them, calls of its own server, and nothing else.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document, put together when it is first asked for: 2 MB.
pub(super) fn text() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    MADE.get_or_init(|| Bytes::from(put_together())).clone()
}

fn put_together() -> String {
    // In a script element `<!--` begins something of its own; in JavaScript's texts and expressions `<\!--` is the same.
    let script = unpacked(SCRIPT).replace("<!--", "<\\!--");
    let page = PAGE.replacen("/*style*/", &unpacked(STYLE), 1);
    page.replacen("/*script*/", &script, 1)
}

fn unpacked(file: &[u8]) -> String {
    let mut text = String::new();
    // The files are part of the program: a test reads them.
    let _length = GzDecoder::new(file).read_to_string(&mut text);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_library_is_whole_and_the_one_that_is_named() {
        for (file, end) in [(SCRIPT, "i=i.default})()));"), (STYLE, "}")] {
            let mut text = String::new();
            GzDecoder::new(file).read_to_string(&mut text).unwrap();
            assert!(text.trim_end().ends_with(end));
        }
        let readme = include_str!("page/README.md");
        let version = readme.lines().next().unwrap().rsplit(' ').next().unwrap();
        assert!(
            unpacked(SCRIPT).contains(&format!("\"{version}\"")),
            "{version}"
        );
    }

    #[test]
    fn the_page_is_one_document_that_loads_nothing_from_elsewhere() {
        let page = put_together();
        assert!(page.len() > 1_500_000, "{}", page.len());
        // What stands in the scripts and styles ends none of them.
        let count = |tag: &str| page.matches(tag).count();
        assert_eq!(
            (count("</script"), count("</style"), count("<!--")),
            (2, 1, 0)
        );
        for outside in ["http://", "https://", "src=", "@import", "innerHTML"] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert!(
            !unpacked(STYLE).contains("url(http"),
            "styles load something"
        );
        assert!(!page.contains("sourceMappingURL"));
    }
}
