/** @file The pictures of a report: a query beside what it was taken for. */
import { escapeHtml, toDataUrl } from './html.ts';
import type { GalleryItem, GalleryMatch, GalleryPicture } from './ReportDocument.ts';

/** Both pictures of a pair are drawn this high; the widths follow from their shapes, which 4:3 stands for. */
const PAIR = { width: 640, height: 240, picture: 318 } as const;

/** Nothing for an empty gallery. */
export function renderGallery(title: string, note: string, items: readonly GalleryItem[]): string {
  if (items.length === 0) return '';
  return `<h2>${escapeHtml(title)}</h2><p class="note">${escapeHtml(note)}</p>${items.map(renderItem).join('\n')}`;
}

function renderItem({ query, matches, nearestTrue }: GalleryItem): string {
  const figures = [
    renderFigure(query, { label: 'query', className: '' }),
    ...matches.map((match, i) =>
      renderFigure(match, { label: `match ${i + 1}`, className: match.isCorrect ? 'right' : 'wrong' }),
    ),
    ...(nearestTrue === null ? [] : [renderFigure(nearestTrue, { label: 'nearest true', className: 'right' })]),
  ];
  const best = matches[0];
  return `<div class="card item"><div class="strip">${figures.join('')}</div>${best === undefined ? '' : renderInliers(query, best)}</div>`;
}

function renderFigure(
  { bytes, name, caption }: GalleryPicture,
  { label, className }: { readonly label: string; readonly className: string },
): string {
  const alt = escapeHtml(`${label}: ${name}`);
  const picture =
    bytes === null ? '<div class="blank"></div>' : `<img loading="lazy" alt="${alt}" src="${toDataUrl(bytes)}">`;
  return `<figure class="${className}">${picture}<figcaption><b>${escapeHtml(label)}</b> ${escapeHtml(caption)}<br>${escapeHtml(name)}</figcaption></figure>`;
}

/** The best match beside its query, verified correspondences joined. */
function renderInliers(query: GalleryPicture, match: GalleryMatch): string {
  if (match.inliers === null || match.inliers.length === 0 || query.bytes === null || match.bytes === null) return '';
  const { width, height, picture } = PAIR;
  const right = width - picture;
  const image = (bytes: Uint8Array, x: number): string =>
    `<image href="${toDataUrl(bytes)}" x="${x}" y="0" width="${picture}" height="${height}" preserveAspectRatio="none"/>`;
  const lines = match.inliers.map(([xa, ya, xb, yb]) => {
    const points = [xa * picture, ya * height, right + xb * picture, yb * height].map((value) => value.toFixed(1));
    return `<line x1="${points[0]!}" y1="${points[1]!}" x2="${points[2]!}" y2="${points[3]!}"/>`;
  });
  return `<details><summary>${match.inliers.length} verified correspondences</summary>
<svg class="pair" viewBox="0 0 ${width} ${height}" role="img" aria-label="correspondences">
${image(query.bytes, 0)}${image(match.bytes, right)}<g stroke="#35d07f" stroke-width="1" stroke-opacity="0.8">${lines.join('')}</g></svg></details>`;
}
