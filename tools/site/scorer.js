// How Sphinx's search ranks pages. The first numbers are its own; pages about the project itself
// come after the guides that a reader looks for.
const BEHIND = /^(changes|contributing|security|agents|glossary|architecture|learning|differences|decisions\/|skills\/)/;

var Scorer = {
  score: ([page, , , , score]) => (BEHIND.test(page) ? score - 4 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
