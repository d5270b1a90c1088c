/** @file A 3x5 letter face for shop signs: rows of three bits, top to bottom. */

const GLYPHS: Readonly<Record<string, string>> = {
  A: '25755',
  B: '65656',
  C: '34443',
  D: '65556',
  E: '74647',
  F: '74644',
  G: '34553',
  H: '55755',
  I: '72227',
  J: '11152',
  K: '55655',
  L: '44447',
  M: '57755',
  N: '65555',
  O: '25552',
  P: '65644',
  Q: '25563',
  R: '65655',
  S: '34216',
  T: '72222',
  U: '55553',
  V: '55522',
  W: '55775',
  X: '55255',
  Y: '55222',
  Z: '71247',
  '0': '75557',
  '1': '26227',
  '2': '61247',
  '3': '61216',
  '4': '55711',
  '5': '74616',
  '6': '34652',
  '7': '71222',
  '8': '25252',
  '9': '25316',
};

export const GLYPH_COLUMNS = 3;
export const GLYPH_ROWS = 5;

/** Whether the letter face has ink at a cell; blanks and unknown characters have none. */
export function hasInk(character: string, column: number, row: number): boolean {
  const rows = GLYPHS[character];
  if (rows === undefined) return false;
  return ((Number(rows[row]) >> (GLYPH_COLUMNS - 1 - column)) & 1) === 1;
}
