/** Names that need no SDK. */

/** Below it lie the zip files and templates in the assets bucket. */
export const ASSETS_PREFIX = 'batchml/';
