//! Templates become text here.

use std::fmt;

use askama::Template;

/// Text that is being written. Templates write thousands of pieces; what one takes is here once and not in each of them.
struct Markup(String);

impl fmt::Write for Markup {
    #[inline(never)]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        Ok(())
    }

    #[inline(never)]
    fn write_char(&mut self, char: char) -> fmt::Result {
        self.0.push(char);
        Ok(())
    }
}

/// What the template says. One that cannot be written does not occur: its values are text, and memory does not run out in a
/// page.
#[must_use]
pub fn render(template: &impl Template) -> String {
    let mut markup = Markup(String::new());
    let written = template.render_into(&mut markup);
    if written.is_ok() { markup.0 } else { String::new() }
}
