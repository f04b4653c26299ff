/** Names and numbers as a student reads them. */

export const SECTIONS = { quantitative: "القسم الكمي", verbal: "القسم اللفظي" } as const;
export const TRACKS = { scientific: "المسار العلمي", literary: "المسار الأدبي" } as const;
export const DIFFICULTIES = { easy: "سهل", medium: "متوسط", hard: "صعب" } as const;
export const LETTERS = ["أ", "ب", "ج", "د"] as const;

export const TOPICS = {
  quantitative: {
    algebra: "الجبر",
    geometry: "الهندسة",
    statistics: "الإحصاء",
    "ratio-proportion": "النسبة والتناسب",
    probability: "الاحتمالات",
    "speed-time-distance": "السرعة والزمن والمسافة",
  },
  verbal: {
    "reading-comprehension": "استيعاب المقروء",
    "sentence-completion": "إكمال الجمل",
    "context-error": "الخطأ السياقي",
    analogy: "التناظر اللفظي",
    "association-difference": "الارتباط والاختلاف",
    vocabulary: "المفردات",
  },
} as const;

const digits = new Intl.NumberFormat("ar-u-nu-arab", { useGrouping: false });
const twoDigits = new Intl.NumberFormat("ar-u-nu-arab", { minimumIntegerDigits: 2, useGrouping: false });

export function numeral(value: number): string {
  return digits.format(value);
}

/** Hours only where there are any. */
export function clock(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const parts = [...(hours > 0 ? [hours] : []), minutes, Math.floor(seconds) % 60];
  return parts.map((part) => twoDigits.format(part)).join(":");
}

export function topicName(topic: string): string {
  return ({ ...TOPICS.quantitative, ...TOPICS.verbal } as Record<string, string>)[topic] ?? "";
}
