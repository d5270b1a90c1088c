/**
 * @file What the header of a SQLite file says before SQLite opens it: whether it has a log beside it, and whether it was cut. SQLite
 * reads the missing end of a last, incomplete page as zeros, and would hand them out as pixels; whole missing pages it reports. So a
 * reader must see whole pages only.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

const HEADER_BYTES = 100;
const READ_VERSION_AT = 19;
const WRITE_AHEAD_LOG = 2;

interface PageFacts {
  readonly pageBytes: number;
  /** As the header says. */
  readonly pages: number;
  readonly fileBytes: number;
  readonly usesLog: boolean;
}

/** From the database header (sqlite.org/fileformat2.html, 1.3); null when there is none. */
function readPageFacts(path: string): PageFacts | null {
  const header = new Uint8Array(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return null;
  } finally {
    closeSync(file);
  }
  const view = new DataView(header.buffer);
  const pageBytes = view.getUint16(16) === 1 ? 65_536 : view.getUint16(16);
  if (pageBytes < 512) return null;
  const usesLog = header[READ_VERSION_AT] === WRITE_AHEAD_LOG;
  return { pageBytes, pages: view.getUint32(28), fileBytes: statSync(path).size, usesLog };
}

/** Bytes of the whole pages of a file that ends inside of a page; null when it does not, or is no database. */
export function wholePagesOfCut(path: string): number | null {
  const facts = readPageFacts(path);
  if (facts === null || facts.fileBytes % facts.pageBytes === 0) return null;
  return facts.fileBytes - (facts.fileBytes % facts.pageBytes);
}

/** Whether readers must look into a write-ahead log beside the file first, and coordinate through another file there. */
export function usesLog(path: string): boolean {
  return readPageFacts(path)?.usesLog ?? false;
}

/** One sentence when the file is shorter than its header says; null otherwise. */
export function describeCut(path: string): string | null {
  const facts = readPageFacts(path);
  if (facts === null || facts.fileBytes >= facts.pages * facts.pageBytes) return null;
  return `The file was cut: it has ${facts.fileBytes} of ${facts.pages * facts.pageBytes} bytes.`;
}
