//! What an experiment finds: tables of medians, with the least and the most that was seen.

use std::collections::BTreeMap;

use harness::Kind;
use serde_json::{Value, json};

use crate::contestants::Contestant;
use crate::process::Reply;

/// One contestant's samples, one for each round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    pub(crate) all: Vec<f64>,
    pub(crate) wrong: f64,
    /// What there is instead.
    pub(crate) refusal: Option<Refusal>,
}

#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    NotOffered,
    Failed(String),
}

impl Samples {
    pub(crate) fn refuse(&mut self, reply: Reply) {
        self.refusal = Some(match reply {
            Reply::NotOffered => Refusal::NotOffered,
            Reply::Failed(why) => Refusal::Failed(why),
            _ => Refusal::Failed("no answer".to_owned()),
        });
    }

    /// Adds a round, or says why there is none any more.
    pub(crate) fn add(&mut self, reply: Reply, value: impl FnOnce(&[f64]) -> (f64, f64)) {
        match reply {
            Reply::Done(numbers) => {
                let (sample, wrong) = value(&numbers);
                self.all.push(sample);
                self.wrong += wrong;
            }
            other => self.refuse(other),
        }
    }

    pub(crate) fn is_out(&self) -> bool {
        self.refusal.is_some()
    }

    pub(crate) fn cell(&self) -> Cell {
        match &self.refusal {
            Some(Refusal::NotOffered) => return Cell::NotOffered,
            Some(Refusal::Failed(why)) => return Cell::Failed(why.clone()),
            None => {}
        }
        let mut sorted = self.all.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted[..] {
            [] => Cell::NotOffered,
            [min, ..] => Cell::Measured {
                median: sorted[sorted.len() / 2],
                min,
                max: sorted[sorted.len() - 1],
                wrong: self.wrong,
            },
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Measured {
        median: f64,
        min: f64,
        max: f64,
        wrong: f64,
    },
    /// How often each thing happened.
    Counts(BTreeMap<String, u32>),
    NotOffered,
    Failed(String),
}

impl Cell {
    pub(crate) fn median(&self) -> Option<f64> {
        match self {
            Cell::Measured { median, .. } => Some(*median),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) cells: Vec<Cell>,
}

/// A table: contestants down, and what was varied across.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) more_is_better: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(title: &str, unit: &'static str, contestants: &[Contestant]) -> Self {
        let row = |contestant: &Contestant| Row {
            name: contestant.name.clone(),
            kind: contestant.kind,
            cells: Vec::new(),
        };
        Table {
            title: title.to_owned(),
            unit,
            more_is_better: false,
            columns: Vec::new(),
            rows: contestants.iter().map(row).collect(),
        }
    }

    pub(crate) fn more_is_better(mut self) -> Self {
        self.more_is_better = true;
        self
    }

    /// Adds a column, one cell for each row.
    pub(crate) fn add(&mut self, column: &str, cells: impl IntoIterator<Item = Cell>) {
        self.columns.push(column.to_owned());
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row.cells.push(cell);
        }
    }

    /// Leaves out who had nothing to offer anywhere.
    pub(crate) fn without_idle(mut self) -> Self {
        let idle = |cell: &Cell| matches!(cell, Cell::NotOffered);
        self.rows.retain(|row| !row.cells.iter().all(idle));
        self
    }

    pub(crate) fn find(&self, row: &str, column: usize) -> Option<f64> {
        let row = self.rows.iter().find(|found| found.name == row)?;
        row.cells.get(column)?.median()
    }

    fn json(&self) -> Value {
        let cell = |cell: &Cell| match cell {
            Cell::Measured {
                median,
                min,
                max,
                wrong,
            } => json!({"median": median, "min": min, "max": max, "wrong": wrong}),
            Cell::Counts(counts) => json!(counts),
            Cell::NotOffered => Value::Null,
            Cell::Failed(why) => json!({"failed": why}),
        };
        let row = |row: &Row| {
            json!({
                "name": row.name,
                "kind": format!("{:?}", row.kind),
                "cells": row.cells.iter().map(cell).collect::<Vec<_>>(),
            })
        };
        json!({
            "title": self.title,
            "unit": self.unit,
            "columns": self.columns,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// What an experiment found, and how.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// The method, in Markdown.
    pub(crate) method: String,
    pub(crate) tables: Vec<Table>,
}

impl Findings {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "tables": self.tables.iter().map(Table::json).collect::<Vec<_>>(),
        })
    }
}
