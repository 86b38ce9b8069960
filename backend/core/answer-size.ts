/** How much an answer of the API holds. */

/**
 * Bytes that the jobs of one answer may take, at most (Lambda, Quotas: 6 MB of answer, which is JSON that holds the
 * body as a string).
 */
export const MAX_ANSWER_BYTES = 5.5 * 1024 * 1024;
/** A character of JSON takes at most two bytes for each of its own when it is in a JSON string. */
export const ESCAPED = 2;
/** Bytes of a result that an answer holds; a larger one is answered by its address. */
export const MAX_RESULT_BYTES = (MAX_ANSWER_BYTES - 16 * 1024) / ESCAPED;
