/**
 * A target without the query parameters that services read differently: for some a `;` separates two of them, and what
 * an escape without two hexadecimal digits stands for is anybody's guess. The others stay byte for byte.
 */
export function withCleanQuery(target: string): string {
  const question = target.indexOf('?');
  if (question === -1) return target;
  const query = target.slice(question + 1);
  if (!ODD.test(query)) return target;
  const kept = query.split('&').filter((parameter) => !ODD.test(parameter));
  const path = target.slice(0, question);
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`;
}

const ODD = /;|%(?![\da-f]{2})/i;
