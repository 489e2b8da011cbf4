import type { Translation } from './translation.ts'

/** French. Speaks to people with « vous ». The spaces before : ; ? ! and inside « » do not break; a test knows. */
export const texts: Translation = {
  GS_BODY_INVALID: 'Le serveur n’a pas compris ces données : {reason}',
  GS_QUERY_INVALID: 'Le serveur n’a pas compris cette demande : {reason}',
  GS_BODY_TOO_LARGE: 'C’est trop à la fois ; la limite est de 16 Kio.',
  GS_CONTENT_TYPE: 'Envoyez un formulaire (application/x-www-form-urlencoded) ou, là où c’est accepté, du JSON (application/json).',
  GS_USERNAME_INVALID: '{reason}',
  GS_USERNAME_TAKEN: 'Ce nom d’utilisateur est déjà pris. Choisissez-en un autre.',
  GS_EMAIL_INVALID: '{reason}',
  GS_PASSWORD_WEAK: '{reason}',
  GS_PASSWORD_INVALID: '{reason}',
  GS_CREDENTIALS: 'Le nom d’utilisateur ou le mot de passe est incorrect.',
  GS_ACCOUNT_LOCKED: 'Ce compte est bloqué. Veuillez contacter les responsables de ce site.',
  GS_ACCOUNT_UNKNOWN: 'Ce compte n’existe pas.',
  GS_CURRENT_PASSWORD: 'Le mot de passe actuel est incorrect.',
  GS_CURRENT_PASSWORD_REQUIRED: 'Saisissez votre mot de passe actuel.',
  GS_LINK_INVALID: 'Ce lien n’est pas valable. Votre logiciel de messagerie l’a peut-être coupé.',
  GS_LINK_EXPIRED: 'Ce lien a expiré. Demandez-en un nouveau.',
  GS_LINK_USED: 'Ce lien a déjà été utilisé, ou un plus récent a été envoyé.',
  GS_EMAIL_TAKEN:
    'Un autre compte a confirmé cette adresse auparavant. Supprimez ce compte-là ou donnez-lui une autre adresse, puis réessayez.',
  GS_EMAIL_SAME: 'C’est déjà l’adresse de votre compte.',
  GS_SESSION_UNKNOWN: 'Cette session est déjà terminée.',
  GS_MAIL_UNKNOWN: 'Cet e-mail n’est plus dans la file.',
  GS_SECTOR_UNKNOWN: 'Il n’y a pas de secteur de ce nom : {reason}',
  GS_RANK: 'Vous ne pouvez modifier que des comptes d’un niveau inférieur au vôtre et n’accorder que des niveaux inférieurs au vôtre.',
  GS_NOT_LOGGED_IN: 'Connectez-vous d’abord.',
  GS_PASSWORD_CHANGE_REQUIRED: 'Choisissez d’abord un nouveau mot de passe.',
  GS_CODE_INVALID: 'Ce code est incorrect ou a expiré. Demandez-en un nouveau.',
  GS_SESSION_REFUSED: '{reason}',
  GS_LOGIN_REFUSED: '{reason}',
  GS_SESSION_LIMIT: 'Vous êtes connecté sur autant d’appareils que ce site le permet. Déconnectez-vous d’abord d’un autre.',
  GS_SESSIONS_FULL: 'Il y a en ce moment plus de visiteurs que ce site ne peut en accueillir. Réessayez plus tard.',
  GS_CSRF: 'Ce formulaire n’appartient plus à votre session. Rechargez la page.',
  GS_DATA_TOO_LARGE: 'C’est plus qu’une session ne peut contenir : {reason}',
  GS_SETTING_INVALID: '{reason}',
  GS_GROUP_INVALID: '{reason}',
  GS_GROUP_UNKNOWN: 'Ce groupe n’existe pas.',
  GS_GROUP_TAKEN: 'Il y a déjà un groupe de ce nom.',
  GS_FORBIDDEN: 'Votre compte n’y est pas autorisé.',
  GS_NOT_FOUND: 'Il n’y a rien ici.',
  GS_CROSS_SITE: 'Cette demande venait d’un autre site et a été refusée.',
  GS_CONFIGURED_ADMIN: 'Ce compte est défini dans la configuration du serveur ; modifiez-le là-bas.',
  GS_CONFLICT: 'Le compte a été modifié au même moment. Veuillez réessayer.',
  GS_TOO_MANY_ATTEMPTS: 'Trop d’essais. Patientez, puis réessayez.',
  GS_PASSWORD_DISABLED: 'Trop de mots de passe incorrects. Utilisez « Mot de passe oublié ? » pour en choisir un nouveau.',
  GS_TOO_MANY_SOCKETS: 'Trop de connexions sont ouvertes. Fermez quelques fenêtres, puis réessayez.',
  GS_BUSY: 'Le serveur est occupé. Réessayez dans un instant.',
  GS_UPSTREAM: 'Le serveur qui devrait répondre ici ne répond pas. Réessayez plus tard.',
  GS_INTERNAL: 'Un problème est survenu sur le serveur. Réessayez plus tard.',

  'reason.username.form':
    "Un nom d’utilisateur commence par une lettre ou un chiffre et ne contient que des lettres, des chiffres et . _ - '",
  'reason.username.length': 'Un nom d’utilisateur compte de 2 à 32 caractères.',
  'reason.username.address': 'Un nom d’utilisateur ne peut pas ressembler à une adresse web.',
  'reason.username.alphabets': 'Un nom d’utilisateur s’écrit dans un seul alphabet ; celui-ci en mélange plusieurs.',
  'reason.username.marks': 'Un nom d’utilisateur ne peut pas porter autant de signes sur une même lettre.',
  'reason.username.confirm': 'Pour confirmer, saisissez ici votre nom d’utilisateur.',
  'reason.email': 'Aucun e-mail ne peut être envoyé à cette adresse. Saisissez-la sous la forme name@example.com.',
  'reason.password.short': 'Utilisez au moins {count} caractères ; plusieurs mots font un bon mot de passe.',
  'reason.password.personal': 'N’utilisez pas votre nom, votre adresse ou le nom de ce site comme mot de passe.',
  'reason.password.common': 'Ce mot de passe est parmi les premiers qu’essaient les pirates. Choisissez-en un autre.',
  'reason.password.damaged': 'Le mot de passe contient des caractères endommagés.',
  'reason.password.long': 'Le mot de passe est trop long ; la limite est de 1024 octets.',
  'reason.password.same': 'C’est votre mot de passe actuel. Veuillez en choisir un autre.',
  'reason.password.repeat': 'Les deux mots de passe ne sont pas identiques.',
  'reason.session.refused': 'Ce site n’accueille pas de nouveaux visiteurs pour le moment.',
  'reason.login.refused': 'Vous ne pouvez pas vous connecter pour le moment.',
  'reason.group.name':
    "Le nom d’un groupe commence par une lettre ou un chiffre, ne contient que des lettres, des chiffres et . _ - ' et compte 64 caractères au plus.",
  'reason.group.level': 'Le niveau d’un groupe est un nombre entier de {lowest} à {highest}.',

  'mail.hello': 'Bonjour {username},',
  'mail.contact': 'Des questions ? Une personne vous répond à {contact}.',
  'mail.verify-email.subject': 'Confirmez votre adresse pour {siteName}',
  'mail.verify-email.text':
    'quelqu’un (depuis l’adresse {ip}) s’est inscrit sur {siteName} avec cette adresse e-mail. Si c’était vous, confirmez-la :',
  'mail.verify-email.button': 'Confirmer mon adresse',
  'mail.verify-email.after':
    'Le lien fonctionne une seule fois et pendant {duration} ; un compte qui n’est pas confirmé d’ici là est supprimé.\nSi ce n’était pas vous, vous n’avez rien à faire.',
  'mail.forgot-password.subject': 'Choisissez un nouveau mot de passe pour {siteName}',
  'mail.forgot-password.text':
    'quelqu’un (depuis l’adresse {ip}) a demandé un nouveau mot de passe pour votre compte sur {siteName}. Si c’était vous, continuez ici :',
  'mail.forgot-password.button': 'Choisir un nouveau mot de passe',
  'mail.forgot-password.after':
    'Le lien fonctionne une seule fois et pendant {duration}.\nSi ce n’était pas vous, ignorez cet e-mail : votre mot de passe reste comme il est.',
  'mail.forgot-password.text.admin':
    'les responsables de {siteName} ont annulé le mot de passe de votre compte et vous ont déconnecté partout. Choisissez-en un nouveau ici :',
  'mail.forgot-password.after.admin':
    'Le lien fonctionne une seule fois et pendant {duration}.\nPlus tard, vous en obtenez un autre avec « Mot de passe oublié ? » : {loginUrl}',
  'mail.change-email.subject': 'Confirmez votre nouvelle adresse pour {siteName}',
  'mail.change-email.text':
    'quelqu’un (depuis l’adresse {ip}) a demandé que cette adresse devienne celle du compte « {username} » sur {siteName}. Si c’était vous, confirmez-la :',
  'mail.change-email.button': 'Confirmer ma nouvelle adresse',
  'mail.change-email.after':
    'Le lien fonctionne une seule fois et pendant {duration} ; jusque-là, le compte garde son adresse actuelle.\nSi ce n’était pas vous, n’ouvrez pas le lien : sans lui, rien ne change.',
  'mail.login-code.subject': 'Votre code pour {siteName}',
  'mail.login-code.text':
    'quelqu’un (depuis l’adresse {ip}) veut se connecter à votre compte sur {siteName}. Si c’est vous, saisissez ce code :',
  'mail.login-code.after':
    'Il fonctionne une seule fois et pendant {duration}. Ne le donnez à personne : les responsables du site ne le demandent jamais.\nSi ce n’est pas vous, ignorez cet e-mail : sans le code, personne n’entre.',
  'mail.password-off.subject': 'Le mot de passe de votre compte sur {siteName} est désactivé',
  'mail.password-off.text':
    'quelqu’un a essayé tant de mots de passe incorrects pour votre compte sur {siteName} qu’il n’en accepte plus aucun. Les appareils connectés le restent. Réactivez-le ici, et choisissez-en un nouveau si l’ancien était facile à deviner :',
  'mail.password-off.button': 'Réactiver mon mot de passe',
  'mail.password-off.after':
    'Le lien fonctionne une seule fois et pendant {duration}. Plus tard, vous en obtenez un autre avec « Mot de passe oublié ? ».',
  'mail.already-registered.subject': 'Vous avez déjà un compte sur {siteName}',
  'mail.already-registered.text':
    'quelqu’un (depuis l’adresse {ip}) a essayé de s’inscrire sur {siteName} avec cette adresse e-mail. Elle appartient à votre compte « {username} » ; aucun autre compte ne peut donc être confirmé avec elle.\nSi c’était vous, connectez-vous plutôt, ou demandez-y un nouveau mot de passe : {loginUrl}',
  'mail.already-registered.after': 'Si ce n’était pas vous, vous n’avez rien à faire.',
  'mail.email-in-use.subject': 'Votre adresse est déjà utilisée sur {siteName}',
  'mail.email-in-use.text':
    'quelqu’un (depuis l’adresse {ip}) a demandé que cette adresse devienne celle d’un autre compte sur {siteName}. Elle appartient à votre compte « {username} » ; aucun autre compte ne peut donc l’avoir.\nSi c’était vous, changez d’abord l’adresse de ce compte, ou supprimez ce compte.',
  'mail.email-in-use.after': 'Si ce n’était pas vous, vous n’avez rien à faire.',
  'mail.email-changed.subject': 'Votre adresse e-mail pour {siteName} a été modifiée',
  'mail.email-changed.text':
    'le compte « {username} » sur {siteName} a maintenant une autre adresse e-mail (modifiée depuis l’adresse {ip}). Plus aucun e-mail à son sujet n’arrivera ici.',
  'mail.email-changed.undo': 'Si ce n’était pas vous, reprenez le compte :',
  'mail.email-changed.button': 'Annuler la modification',
  'mail.email-changed.after':
    'Le lien fonctionne une seule fois et pendant {duration}. Il rétablit cette adresse, déconnecte tous les appareils et vous permet de choisir un nouveau mot de passe.\nSi c’était vous, vous n’avez rien à faire.',
  'mail.email-changed.after.unlinked':
    'La modification ne peut plus être annulée : le compte a été supprimé depuis. Si ce n’était pas vous, écrivez aux responsables du site.',
  'mail.password-changed.subject': 'Votre mot de passe pour {siteName} a été modifié',
  'mail.password-changed.text':
    'le mot de passe de votre compte sur {siteName} a été modifié (depuis l’adresse {ip}). Tous les autres appareils ont été déconnectés.',
  'mail.password-changed.after':
    'Si ce n’était pas vous, demandez tout de suite un nouveau mot de passe avec « Mot de passe oublié ? » : {loginUrl}',
  'mail.account-deleted.subject': 'Votre compte sur {siteName} a été supprimé',
  'mail.account-deleted.text': 'votre compte sur {siteName} a été supprimé, comme vous l’avez demandé. C’est le dernier e-mail à son sujet.'
}
