import { useApiText, withoutNumbers } from '@/i18n/useApiText';

/** What a worker is doing, which it tells in words and numbers (`horizon 1 of 5: fold 2 of 4`), in the page's language. */
export function useStageText(): (stage: string) => string {
  const say = useApiText();
  return (stage) => {
    const { code, values } = withoutNumbers(stage);
    return say(`stage.${code}`, stage, values);
  };
}
