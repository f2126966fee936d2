"""Which application entity lives at which site, and which key manager serves it: plain data."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from haris.nouns.errors import ParameterError, Unauthorised
from haris.nouns.ids import require_name


@dataclass(frozen=True, slots=True)
class Directory:
    """site: this one. kmes: KME ID of each site. saes: site of each SAE ID. All names are unique in the network.

    foreign: the operator of each SAE ID that another operator serves; its site is then our gateway to that operator.
    """

    site: str
    kmes: MutableMapping[str, str]
    saes: MutableMapping[str, str]
    foreign: MutableMapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.kmes, *self.kmes.values(), *self.saes):
            require_name("a name of the directory", name)
        if self.site not in self.kmes:
            raise ParameterError(f"site {self.site} has no KME ID in the directory")
        if len(set(self.kmes.values())) != len(self.kmes):
            raise ParameterError("two sites share a KME ID")
        for name in set(self.saes) & set(self.kmes.values()):
            raise ParameterError(f"{name} is a KME ID and an SAE ID: one certificate would act as both")
        for sae, site in self.saes.items():
            if site not in self.kmes:
                raise ParameterError(f"SAE {sae} lives at {site}, which has no KME ID in the directory")
        for sae in set(self.foreign) - set(self.saes):
            raise ParameterError(f"SAE {sae} of another operator has no gateway site in the directory")

    def become(self, other: Directory) -> None:
        """Say what another directory of this site says, from now on and wherever this one is in use.

        Whoever is in both is found all the while.
        """
        if other.site != self.site:
            raise ParameterError(f"a directory of {other.site} cannot be that of {self.site}")
        for own, new in ((self.kmes, other.kmes), (self.foreign, other.foreign), (self.saes, other.saes)):
            own.update(new)
            for name in set(own) - set(new):
                del own[name]

    def require_caller(self, sae: str) -> None:
        """Raise Unauthorised unless this site serves the SAE."""
        if self.saes.get(sae) != self.site or sae in self.foreign:
            raise Unauthorised(f"SAE {sae} is not served by this KME")

    def require_site(self, sae: str) -> str:
        """The site of an SAE; ParameterError for an unknown one."""
        if sae not in self.saes:
            raise ParameterError(f"SAE {sae} is not known in this network")
        return self.saes[sae]

    def require_peer(self, kme: str) -> str:
        """The other site whose key manager bears this KME ID; Unauthorised for any other name."""
        for site, known in tuple(self.kmes.items()):
            if known == kme and site != self.site:
                return site
        raise Unauthorised(f"{kme} is no KME that this one knows")
