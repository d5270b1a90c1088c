/** @file `netvlad map info` for people. */
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import type { MapInfo, NamedCount } from '../map/mapInfo.ts';
import { countOf } from '../countOf.ts';

/** `3.4 MB`; powers of ten, as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]!}`;
}

function formatCounts(counts: readonly NamedCount[], unnamed: string): string {
  const shown = counts.slice(0, 8).map(({ name, places }) => `${name ?? unnamed} (${places})`);
  return [...shown, ...(counts.length > 8 ? [`and ${counts.length - 8} more`] : [])].join(', ');
}

function formatArea({ area, withPosition, withHeading, places }: MapInfo): string {
  if (area === null) return 'no positions: a topological map';
  const size = `${area.widthM.toFixed(0)} m x ${area.heightM.toFixed(0)} m`;
  const positioned = withPosition === places ? '' : `, ${withPosition} of ${countOf(places, 'place')} with a position`;
  return `${size}${positioned}, ${withHeading === places ? 'all' : withHeading} with heading`;
}

function formatDatum({ manifest: { datum, frame } }: MapInfo): string {
  if (datum === null) return `frame '${frame}', no datum`;
  const altitude = Number.isNaN(datum.altM) ? '' : `, ${datum.altM.toFixed(1)} m`;
  return `frame '${frame}' at ${datum.latDeg.toFixed(7)}, ${datum.lonDeg.toFixed(7)}${altitude}`;
}

function formatLocalFeatures({ places, withLocalFeatures, tableBytes, manifest: { localBudget } }: MapInfo): string {
  if (withLocalFeatures === 0) return 'none';
  const bytes = tableBytes.local_features;
  const size = `${formatBytes(bytes)}, ${formatBytes(bytes / withLocalFeatures)} a place`;
  const covered = withLocalFeatures === places ? '' : `, ${withLocalFeatures} of ${countOf(places, 'place')}`;
  return `${size}${covered}${localBudget === null ? '' : `, budget ${formatBytes(localBudget.bytes)}`}`;
}

/** In one paragraph: what the calibration rests on and what it expects. */
export function formatCalibration({ method, samples, expectedRecall, revisits, warning }: PlaceCalibration): string {
  const basis = `${method}: ${countOf(samples.retrievals, 'retrieval')}, ${samples.right} right at once, ${countOf(samples.impostors, 'impostor')}`;
  const recall = Object.entries(expectedRecall).map(([n, share]) => `@${n} ${(100 * share).toFixed(1)} %`);
  const expected = recall.length === 0 ? '' : `; expected recall ${recall.join(', ')}`;
  const laps = revisits === undefined ? '' : `; ${countOf(revisits.length, 'image')} of later laps laid over the first`;
  return `${basis}${expected}${laps}${warning === null ? '' : `. ${warning}`}`;
}

/** One fact a line, names on the left. */
export function formatMapInfo(info: MapInfo): string {
  const { manifest, tableBytes } = info;
  const { model } = manifest;
  const share = (bytes: number): string => `${formatBytes(bytes)}, ${formatBytes(bytes / info.places)} a place`;
  const facts: readonly (readonly [string, string])[] = [
    ['map', `${info.path} (${manifest.id})`],
    ['made', `${manifest.created} by netvlad_localizer ${manifest.toolVersion}`],
    ['model', `${model.name}, ${model.dimension} dimensions, sha256 ${model.sha256.slice(0, 12)}...`],
    ['places', String(info.places)],
    ['area', formatArea(info)],
    ['origin', formatDatum(info)],
    ['sequences', formatCounts(info.sequences, 'unnamed')],
    ['conditions', formatCounts(info.conditions, 'unnamed')],
    ...manifest.sources.map(({ description, images, skipped }) => {
      return [
        'source',
        `${description}: ${countOf(images, 'place')}${skipped === 0 ? '' : `, ${skipped} skipped`}`,
      ] as const;
    }),
    ['file', formatBytes(info.fileBytes)],
    ['descriptors', share(tableBytes.descriptor)],
    ['local features', formatLocalFeatures(info)],
    ['thumbnails', info.withThumbnail === 0 ? 'none' : share(tableBytes.thumbnail)],
    ['calibration', info.calibration === null ? 'none' : formatCalibration(info.calibration)],
    ['sealed', manifest.checksums === null ? 'no: its writer has not closed it' : 'yes'],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, fact]) => `${name.padEnd(width)}  ${fact}`).join('\n');
}
