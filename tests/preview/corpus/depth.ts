export const depth = (rope: number): string => `${rope / 2} m`; // doubled
