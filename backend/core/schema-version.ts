/** Of the store's items and of the bells that name them. A change that another version would read wrongly raises it. */
export const SCHEMA_VERSION = 2;
