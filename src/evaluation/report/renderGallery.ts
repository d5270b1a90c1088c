/** @file The pictures of a report: a query beside what it was taken for. */
import { escapeHtml, toDataUrl } from './html.ts';
import type { GalleryItem, GalleryMatch, GalleryPicture } from './ReportDocument.ts';

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
  const picture = bytes === null ? '<div class="blank"></div>' : `<img alt="${alt}" src="${toDataUrl(bytes)}">`;
  return `<figure class="${className}">${picture}<figcaption><b>${escapeHtml(label)}</b> ${escapeHtml(caption)}<br>${escapeHtml(name)}</figcaption></figure>`;
}

/** The best match beside its query, verified correspondences joined. */
function renderInliers(query: GalleryPicture, match: GalleryMatch): string {
  if (match.inliers === null || match.inliers.length === 0 || query.bytes === null || match.bytes === null) return '';
  const image = (bytes: Uint8Array): string => `<img alt="" src="${toDataUrl(bytes)}">`;
  const lines = match.inliers.map(([xa, ya, xb, yb]) => {
    const [x1, y1, x2, y2] = [xa, ya, 1 + xb, yb].map((value) => value.toFixed(3));
    return `<line x1="${x1!}" y1="${y1!}" x2="${x2!}" y2="${y2!}"/>`;
  });
  // Side by side the pictures are two wide and one high, whatever their shape.
  return `<details><summary>${match.inliers.length} verified correspondences</summary>
<div class="pair">${image(query.bytes)}${image(match.bytes)}<svg viewBox="0 0 2 1" preserveAspectRatio="none" role="img" aria-label="correspondences">${lines.join('')}</svg></div></details>`;
}
