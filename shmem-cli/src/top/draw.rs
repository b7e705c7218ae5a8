//! What the screen looks like.

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table, TableState};

use super::objects::{Order, Seen};
use super::{Focus, Input, Screen};
use crate::commands::ls::place;
use crate::print::{self, harmless};
use crate::tree::shortened;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, screen, head);
    let [objects, fields] = if body.width >= 140 {
        Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(body)
    } else {
        // As many lines as there are objects, but half of the screen for the fields.
        let rows = u16::try_from(screen.objects.rows().count()).unwrap_or(u16::MAX);
        let most = body.height / 2;
        let height = rows.saturating_add(3).min(most).max(4);
        Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(body)
    };
    draw_objects(frame, screen, objects);
    draw_fields(frame, screen, fields);
    draw_foot(frame, screen, foot);
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn draw_head(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let count = screen.objects.rows().count();
    let total: f64 = screen.objects.rows().map(Seen::rate).sum();
    let order = match screen.objects.order() {
        Order::Name => "name",
        Order::Rate => "rate",
        Order::Age => "age",
    };
    let mut text = format!("{count} objects  {}  sorted by {order}", print::rate(total));
    if !screen.objects.word().is_empty() {
        text += &format!("  names with `{}`", harmless(screen.objects.word()));
    }
    let line = Line::from(vec![
        Span::styled(
            " shmem ",
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD),
        ),
        Span::raw("  "),
        Span::raw(text),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn block(title: String, has_focus: bool) -> Block<'static> {
    let style = if has_focus {
        Style::new().fg(Color::Cyan)
    } else {
        dim()
    };
    // Bold and not dim: what takes "dim" away takes "bold" away too in terminals, and ratatui 0.29 does not set it
    // again, so that the next bold cells would not be.
    let of_title = Style::new()
        .add_modifier(Modifier::BOLD)
        .remove_modifier(Modifier::DIM);
    Block::bordered()
        .border_style(style)
        .title(Span::styled(format!(" {title} "), of_title))
}

fn selected(has_focus: bool) -> Style {
    match has_focus {
        true => Style::new().add_modifier(Modifier::REVERSED),
        false => Style::new().add_modifier(Modifier::BOLD),
    }
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).right_aligned())
}

fn draw_objects(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let has_focus = screen.focus == Focus::Objects;
    let wide = area.width >= 92;
    let names = screen
        .objects
        .rows()
        .map(|seen| place(&seen.info).chars().count());
    // The picture gets what the names and the numbers leave.
    let others = if wide { 57 } else { 38 };
    let left = usize::from(area.width).saturating_sub(others + names.max().unwrap_or(0));
    let bars = if wide {
        left.clamp(8, 24)
    } else {
        left.clamp(6, 12)
    };
    let rows = screen.objects.rows().map(|seen| {
        let info = &seen.info;
        let publisher = match (info.publisher_alive, info.handles) {
            (Some(false), Some(1..)) => Style::new().fg(Color::Yellow),
            _ => Style::new(),
        };
        let handles = info
            .handles
            .map_or("?".to_owned(), |handles| handles.to_string());
        let age = match info.age {
            Duration::MAX => "-".to_owned(),
            age => print::time(age),
        };
        let rate = match seen.rates.is_empty() {
            true => String::new(),
            false => print::rate(seen.rate()),
        };
        let mut cells = vec![
            Cell::from(place(info)).style(Style::new().fg(Color::Cyan)),
            Cell::from(harmless(&info.type_name)),
        ];
        if wide {
            cells.push(right(print::size(info.size)));
            cells.push(right(info.version.to_string()));
        }
        cells.extend([
            right(rate),
            Cell::from(sparkline(&seen.rates, bars)).style(Style::new().fg(Color::Green)),
            right(handles),
            right(age).style(publisher),
        ]);
        Row::new(cells)
    });
    let mut titles = vec![Cell::from("NAME"), Cell::from("TYPE")];
    let mut widths = vec![Constraint::Min(16), Constraint::Length(12)];
    if wide {
        titles.extend([right("SIZE".into()), right("VERSION".into())]);
        widths.extend([Constraint::Length(8), Constraint::Length(9)]);
    }
    titles.extend([
        right("RATE".into()),
        Cell::from("UPDATES"),
        right("OPEN".into()),
        right("AGE".into()),
    ]);
    let bars = u16::try_from(bars).unwrap_or(12);
    widths.extend([
        Constraint::Length(8),
        Constraint::Length(bars),
        Constraint::Length(4),
        Constraint::Length(7),
    ]);
    let table = Table::new(rows, widths)
        .header(Row::new(titles).style(dim()))
        .row_highlight_style(selected(has_focus))
        .block(block("objects".to_owned(), has_focus));
    let mut state = TableState::default().with_selected(screen.objects.index());
    frame.render_stateful_widget(table, area, &mut state);
}

/// The newest on the right, the highest as high as the line.
fn sparkline(rates: &VecDeque<f64>, width: usize) -> String {
    let newest = rates.iter().skip(rates.len().saturating_sub(width));
    let highest = newest.clone().copied().fold(0.0, f64::max);
    let bar = |rate: &f64| {
        if highest == 0.0 || *rate == 0.0 {
            return ' ';
        }
        let mut level = 0;
        while level + 1 < BARS.len() && *rate > highest * (level + 1) as f64 / BARS.len() as f64 {
            level += 1;
        }
        BARS[level]
    };
    let bars: String = newest.map(bar).collect();
    format!("{bars:>width$}")
}

fn draw_fields(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let has_focus = screen.focus == Focus::Fields;
    let info = screen.objects.selected();
    let title = info.map_or("no object".to_owned(), |info| {
        format!(
            "{}: {}, version {}",
            place(info),
            harmless(&info.type_name),
            info.version
        )
    });
    let block = block(title, has_focus);
    if let Some(error) = &screen.fields.error {
        let text = Paragraph::new(harmless(error)).style(Style::new().fg(Color::Red));
        frame.render_widget(
            text.wrap(ratatui::widgets::Wrap { trim: true })
                .block(block),
            area,
        );
        return;
    }
    let nodes = &screen.fields.nodes;
    let label = |node: &crate::tree::Node| format!("{}{}", "  ".repeat(node.depth), node.label);
    let width = |longest: Option<usize>, most: u16| {
        u16::try_from(longest.unwrap_or(0))
            .unwrap_or(most)
            .min(most)
    };
    let labels = width(
        nodes.iter().map(|node| label(node).chars().count()).max(),
        area.width / 3,
    );
    let types = width(
        nodes
            .iter()
            .map(|node| node.type_text.chars().count())
            .max(),
        area.width / 4,
    );
    let rows = nodes.iter().map(|node| {
        let value = node.value.clone().unwrap_or_default();
        let style = if node.is_invalid {
            Style::new().fg(Color::Red)
        } else if screen.fields.has_changed(node) {
            Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD)
        } else {
            Style::new()
        };
        Row::new(vec![
            Cell::from(label(node)).style(Style::new().fg(Color::Cyan)),
            Cell::from(shortened(&value, 500)).style(style),
            Cell::from(node.type_text.clone()).style(dim()),
        ])
    });
    let widths = [
        Constraint::Length(labels),
        Constraint::Min(10),
        Constraint::Length(types),
    ];
    let table = Table::new(rows, widths)
        .column_spacing(2)
        .row_highlight_style(if has_focus {
            selected(true)
        } else {
            Style::new()
        })
        .block(block);
    let mut state = TableState::default().with_selected(has_focus.then_some(screen.fields.index));
    frame.render_stateful_widget(table, area, &mut state);
}

fn draw_foot(frame: &mut Frame<'_>, screen: &Screen, area: Rect) {
    let strong = Style::new().add_modifier(Modifier::BOLD);
    let line = match (&screen.input, &screen.message) {
        (Some(Input::Filter(text)), _) => Line::from(vec![
            Span::styled(" names with: ", strong),
            Span::raw(harmless(text)),
            Span::raw("▏"),
            Span::styled("  Enter keeps it, Esc too", dim()),
        ]),
        (Some(Input::Edit { path, text }), _) => Line::from(vec![
            Span::styled(
                format!(" {} = ", if path.is_empty() { "value" } else { path }),
                strong,
            ),
            Span::raw(harmless(text)),
            Span::raw("▏"),
            Span::styled("  Enter publishes, Esc leaves it", dim()),
        ]),
        (None, Some((message, is_bad))) => {
            let color = if *is_bad { Color::Red } else { Color::Green };
            Line::styled(format!(" {}", harmless(message)), Style::new().fg(color))
        }
        (None, None) => {
            let keys = match screen.focus {
                Focus::Objects => " ↑↓ select  Tab fields  / filter  s sort  q quit",
                Focus::Fields => " ↑↓ select  Enter edit  Tab objects  q quit",
            };
            Line::styled(keys, dim())
        }
    };
    frame.render_widget(Paragraph::new(line), area);
}
