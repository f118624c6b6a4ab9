//! The walk itself: a cursor over the input that remembers which arrays and objects are open.
//!
//! In: the input and an offset. Out: values minified or skipped whole, or, for callers that know the shape they
//! expect (an envelope), one member or element at a time. What fails: [`JsonError`], with its place in the input.

use super::fault::{Fault, FaultKind, behind_comma};
use super::open::Open;
use super::sink::{Append, Discard, InPlace, Sink};
use super::text::Text;
use super::token::StringEnd;
use super::{JsonError, Options, token};

/// A cursor over JSON text.
#[derive(Debug)]
pub struct Scanner<'a> {
    input: &'a [u8],
    pos: usize,
    open: Open,
    options: Options,
}

/// What may stand in front of a document in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'a> Scanner<'a> {
    /// A cursor at the beginning of a document, behind its byte order mark if it has one: as Jackson, which passes over it.
    #[must_use]
    pub fn document(input: &'a [u8], options: &Options) -> Self {
        let start = match input.starts_with(BYTE_ORDER_MARK) {
            true => BYTE_ORDER_MARK.len(),
            false => 0,
        };
        Self::new(input, start, options)
    }

    /// A cursor at `start`. Offsets, lines and columns of errors count from the beginning of `input`.
    #[inline]
    #[must_use]
    pub fn new(input: &'a [u8], start: usize, options: &Options) -> Self {
        let options = Options {
            max_depth: options.max_depth.min(Options::DEPTH_CEILING),
            ..*options
        };
        Self {
            input,
            pos: start,
            open: Open::default(),
            options,
        }
    }

    /// The offset of the next byte.
    #[inline]
    #[must_use]
    pub fn position(&self) -> usize {
        self.pos
    }

    /// The next byte that is not whitespace, which is passed over; `None` at the end.
    #[inline]
    #[must_use]
    pub fn peek(&mut self) -> Option<u8> {
        self.pos = token::space(self.input, self.pos);
        self.input.get(self.pos).copied()
    }

    /// Appends the next value without insignificant whitespace to `out`.
    ///
    /// # Errors
    /// The first offence. `out` may then hold a part of the value.
    pub fn minify(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        self.value(&mut Append(out))
    }

    /// The next value without insignificant whitespace: where it stands, if it has none, else in `buffer`, which is cleared
    /// for it.
    ///
    /// # Errors
    /// The first offence.
    pub fn minified<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], JsonError>
    where
        'a: 'b,
    {
        buffer.clear();
        let mut sink = InPlace { only: &[], buffer };
        self.value(&mut sink)?;
        let InPlace { only, buffer } = sink;
        Ok(if buffer.is_empty() { only } else { buffer })
    }

    /// Passes over the next value.
    ///
    /// # Errors
    /// The first offence.
    pub fn skip(&mut self) -> Result<(), JsonError> {
        self.value(&mut Discard)
    }

    /// The next value, which must be a string ([`Scanner::peek`] showed a quote).
    ///
    /// # Errors
    /// The first offence.
    #[inline]
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => self.text(false).map_err(|fault| self.error(fault)),
            _ => Err(self.error(Fault::new(self.pos, FaultKind::Value))),
        }
    }

    /// Passes over `NaN` or an infinity, where [`Options::non_numbers`] allows them. Answers it as Java writes it.
    pub fn non_number(&mut self) -> Option<&'static str> {
        const KNOWN: [(&str, &str); 6] = [
            ("NaN", "NaN"),
            ("Infinity", "Infinity"),
            ("+Infinity", "Infinity"),
            ("-Infinity", "-Infinity"),
            ("+INF", "Infinity"),
            ("-INF", "-Infinity"),
        ];
        if !self.options.non_numbers {
            return None;
        }
        self.peek()?;
        let rest = &self.input[self.pos..];
        let found = KNOWN
            .iter()
            .find(|(word, _)| rest.starts_with(word.as_bytes()))?;
        self.pos += found.0.len();
        Some(found.1)
    }

    /// Enters the array or object whose bracket [`Scanner::peek`] showed.
    ///
    /// # Errors
    /// Nesting too deep, or no bracket here.
    #[inline]
    pub fn enter(&mut self) -> Result<(), JsonError> {
        let object = match self.peek() {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => return Err(self.error(Fault::new(self.pos, FaultKind::Value))),
        };
        self.push(object).map_err(|fault| self.error(fault))
    }

    /// Moves to the next element of the array entered last. `false`: the array was closed, and is left.
    /// `first` is to be `true` before the first call and is cleared by it.
    ///
    /// # Errors
    /// A missing comma, or the end of the input.
    #[inline]
    pub fn element(&mut self, first: &mut bool) -> Result<bool, JsonError> {
        self.entry(b']', first).map_err(|fault| self.error(fault))
    }

    /// Moves to the value of the next member of the object entered last and returns its name.
    /// `None`: the object was closed, and is left. `first` as for [`Scanner::element`].
    ///
    /// # Errors
    /// A missing comma, name or colon, or the end of the input.
    #[inline]
    pub fn member(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, JsonError> {
        self.named(first).map_err(|fault| self.error(fault))
    }

    /// Fails unless only whitespace follows.
    ///
    /// # Errors
    /// The first byte of what follows, told as a value that was not expected there.
    pub fn finish(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(Fault::new(self.pos, FaultKind::Value))),
        }
    }

    // === the walk ===

    fn value<S: Sink<'a>>(&mut self, sink: &mut S) -> Result<(), JsonError> {
        let outer = self.open.depth;
        self.pos = token::space(self.input, self.pos);
        let mut run = self.pos;
        match self.walk(sink, &mut run, outer) {
            Ok(()) => {
                sink.run(piece(self.input, run, self.pos));
                Ok(())
            }
            Err(fault) => Err(self.error(fault)),
        }
    }

    /// Walks one value. `run` is where the bytes begin that are not yet given to the sink.
    #[inline]
    fn walk<S: Sink<'a>>(
        &mut self,
        sink: &mut S,
        run: &mut usize,
        outer: usize,
    ) -> Result<(), Fault> {
        loop {
            match self.input.get(self.pos) {
                Some(b'"') => {
                    self.pos = token::string(self.input, self.pos, false, &self.options)?.quote + 1
                }
                Some(b'{') => {
                    self.push(true)?;
                    self.gap(sink, run);
                    if self.input.get(self.pos) != Some(&b'}') {
                        self.name(sink, run)?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.push(false)?;
                    self.gap(sink, run);
                    if self.input.get(self.pos) != Some(&b']') {
                        self.not_the_end()?;
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number(sink, run)?,
                Some(b't') => self.pos = token::literal(self.input, self.pos, b"true")?,
                Some(b'f') => self.pos = token::literal(self.input, self.pos, b"false")?,
                Some(b'n') => self.pos = token::literal(self.input, self.pos, b"null")?,
                _ => return Err(Fault::new(self.pos, FaultKind::Value)),
            }
            if self.after_value(sink, run, outer)? {
                return Ok(());
            }
        }
    }

    /// Closes what ends here and moves to the next value. `true`: the walked value is complete.
    #[inline]
    fn after_value<S: Sink<'a>>(
        &mut self,
        sink: &mut S,
        run: &mut usize,
        outer: usize,
    ) -> Result<bool, Fault> {
        loop {
            if self.open.depth == outer {
                return Ok(true);
            }
            self.gap(sink, run);
            let object = self.open.object();
            match self.input.get(self.pos) {
                Some(b',') => {
                    self.pos += 1;
                    self.gap(sink, run);
                    if object {
                        self.name(sink, run)?;
                    }
                    return Ok(false);
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                Some(_) => return Err(Fault::new(self.pos, FaultKind::Comma { object })),
                None => return Err(Fault::new(self.pos, FaultKind::EndInContainer)),
            }
            self.pos += 1;
            self.open.pop();
        }
    }

    /// A member's name, its colon, and the whitespace round them.
    #[inline]
    fn name<S: Sink<'a>>(&mut self, sink: &mut S, run: &mut usize) -> Result<(), Fault> {
        self.quoted(true)?;
        self.gap(sink, run);
        self.colon()?;
        self.gap(sink, run);
        Ok(())
    }

    fn number<S: Sink<'a>>(&mut self, sink: &mut S, run: &mut usize) -> Result<(), Fault> {
        let number = token::number(self.input, self.pos, &self.options)?;
        let (from, to) = number.zeros;
        if from < to {
            sink.run(piece(self.input, *run, from));
            *run = to;
        }
        self.pos = number.end;
        // A number that is not inside anything ends only at whitespace or at the end of the input.
        match self.input.get(self.pos) {
            Some(byte) if self.open.depth == 0 && !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') => {
                Err(Fault::new(self.pos, FaultKind::RootSpace))
            }
            _ => Ok(()),
        }
    }

    /// Leaves whitespace at the cursor out of the run. Mostly there is none, between any two tokens.
    #[inline(always)]
    fn gap<S: Sink<'a>>(&mut self, sink: &mut S, run: &mut usize) {
        if let Some(b' ' | b'\n' | b'\t' | b'\r') = self.input.get(self.pos) {
            self.leave_out(sink, run);
        }
    }

    #[inline(never)]
    fn leave_out<S: Sink<'a>>(&mut self, sink: &mut S, run: &mut usize) {
        sink.run(piece(self.input, *run, self.pos));
        self.pos = token::space(self.input, self.pos);
        *run = self.pos;
    }

    // === steps that the walk and the callers share ===

    #[inline]
    fn push(&mut self, object: bool) -> Result<(), Fault> {
        let limit = self.options.max_depth;
        if self.open.depth >= limit {
            return Err(Fault::new(self.pos, FaultKind::TooDeep { limit }));
        }
        self.open.push(object);
        self.pos += 1;
        Ok(())
    }

    #[inline]
    fn text(&mut self, name: bool) -> Result<Text<'a>, Fault> {
        let start = self.pos + 1;
        let end = self.quoted(name)?;
        Ok(Text {
            raw: &self.input[start..end.quote],
            escaped: end.escaped,
        })
    }

    /// Passes over a string.
    #[inline]
    fn quoted(&mut self, name: bool) -> Result<StringEnd, Fault> {
        if self.input.get(self.pos) != Some(&b'"') {
            self.not_the_end()?;
            return Err(Fault::new(self.pos, FaultKind::Name));
        }
        let end = token::string(self.input, self.pos, name, &self.options)?;
        self.pos = end.quote + 1;
        Ok(end)
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Fault> {
        match self.input.get(self.pos) {
            Some(b':') => {
                self.pos += 1;
                Ok(())
            }
            Some(_) => Err(Fault::new(self.pos, FaultKind::Colon)),
            None => Err(Fault::new(self.pos, FaultKind::EndBetween)),
        }
    }

    fn not_the_end(&self) -> Result<(), Fault> {
        if self.pos < self.input.len() {
            return Ok(());
        }
        // Behind a comma the original says "within/between", behind a bracket it names the bracket.
        let between = behind_comma(self.input, self.pos);
        let kind = if between {
            FaultKind::EndBetween
        } else {
            FaultKind::EndInContainer
        };
        Err(Fault::new(self.pos, kind))
    }

    #[inline]
    fn entry(&mut self, close: u8, first: &mut bool) -> Result<bool, Fault> {
        let next = self.peek();
        if next == Some(close) {
            self.pos += 1;
            self.open.pop();
            return Ok(false);
        }
        if std::mem::take(first) {
            self.not_the_end()?;
            return Ok(true);
        }
        match next {
            Some(b',') => {
                self.pos = token::space(self.input, self.pos + 1);
                self.not_the_end()?;
                Ok(true)
            }
            Some(_) => Err(Fault::new(
                self.pos,
                FaultKind::Comma {
                    object: close == b'}',
                },
            )),
            None => Err(Fault::new(self.pos, FaultKind::EndInContainer)),
        }
    }

    #[inline]
    fn named(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, Fault> {
        if !self.entry(b'}', first)? {
            return Ok(None);
        }
        let name = self.text(true)?;
        self.pos = token::space(self.input, self.pos);
        self.colon()?;
        self.pos = token::space(self.input, self.pos);
        Ok(Some(name))
    }

    #[cold]
    fn error(&self, fault: Fault) -> JsonError {
        fault.describe(self.input)
    }
}

fn piece(input: &[u8], from: usize, to: usize) -> &[u8] {
    &input[from..to]
}
