/** The package's version, put in by the bundler. */
import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
