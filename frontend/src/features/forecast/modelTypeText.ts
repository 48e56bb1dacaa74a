import { useTranslation } from 'react-i18next';

/** Names and descriptions of model types in the page's language; the API's own for those that it does not know yet. */
export function useModelTypeText() {
  const { t } = useTranslation();
  return {
    title: (name: string, otherwise = name) => t(`model.type.${name}` as 'model.type.ridge', otherwise),
    about: (name: string, otherwise = '') => t(`model.about.${name}` as 'model.about.ridge', otherwise),
  };
}
