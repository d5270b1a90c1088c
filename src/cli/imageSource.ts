/** @file The image source as every command that reads images takes it: one argument and the same options. */
import type { Command } from 'commander';
import type { GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import { openImageSource } from '../datasets/openImageSource.ts';

/** What `addImageSourceOptions` puts on a command. */
export interface ImageSourceFlags {
  readonly role?: string;
  readonly condition?: string;
  readonly imageRoot?: string;
}

/** For help texts: what SOURCE may be. */
export const IMAGE_SOURCE_HELP = `SOURCE is a folder of images (searched recursively; EXIF positions and @utm_e@utm_n@... names are read), a CSV
file or a folder with index.csv (columns file,role,place,lat,lon,x_m,y_m,yaw_deg,frame,condition,...), or a dbStruct .mat.`;

/** Adds the options that choose images of a source. */
export function addImageSourceOptions(command: Command): Command {
  return command
    .option('--role <name>', 'take only images of this role (database, query, train) or split')
    .option('--condition <name>', 'take only images of this condition (day, night, ...)')
    .option('--image-root <folder>', 'where the images of a dbStruct .mat lie (default: beside it)');
}

export async function openSourceFromFlags(path: string, flags: ImageSourceFlags): Promise<GeotaggedImageSource> {
  return openImageSource(path, { role: flags.role, condition: flags.condition, imageRoot: flags.imageRoot });
}
