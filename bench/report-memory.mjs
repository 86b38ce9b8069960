// Loaded before a measured program: writes its peak memory in kB to the file named by BENCH_MEMORY when it exits.
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  writeFileSync(process.env.BENCH_MEMORY, String(process.resourceUsage().maxRSS));
});
