/** What makes a text more or less than one row of a CSV object; the pipeline puts each row on one line of it. */

/** What is wrong with a row, or undefined. */
export function csvRowProblem(row: string): string | undefined {
  if (row.trim() === '') return 'the row is empty';
  const end = row.search(/[\r\n]/);
  if (end >= 0)
    return `a ${row[end] === '\r' ? 'carriage return' : 'line break'} inside the row at column ${end + 1}`;
  const nul = row.indexOf('\0');
  if (nul >= 0) return `a NUL character inside the row at column ${nul + 1}`;
  if (row.includes('"') && !quotesClosed(row))
    return "a quote is not closed on this line (a quoted field can't contain a line break)";
  return undefined;
}

function quotesClosed(row: string): boolean {
  let quotes = 0;
  for (let at = row.indexOf('"'); at >= 0; at = row.indexOf('"', at + 1)) quotes++;
  return quotes % 2 === 0;
}
