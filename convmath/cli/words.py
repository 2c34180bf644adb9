"""The words of the command line and its report, in each language."""

from __future__ import annotations

__all__ = ["LAWS", "VERIFY", "law"]

VERIFY: dict[str, dict[str, str]] = {
    "en": {
        "title": "convmath: what was verified",
        "derivations": "derivations",
        "number": "number",
        "checks": "checks",
        "choices": "choices",
        "implementations": "our own kernels",
        "scipy": "SciPy",
        "lecture": "the lecture's numbers",
        "ok": "all hold",
        "wrong": "WRONG",
        "deviates": "{number} deviate",
        "deviates one": "deviates",
        "as correlation": "holds as correlation",
        "does not hold": "DOES NOT HOLD",
        "other result": "true convolution gives another result",
        "same result": "true convolution gives the same",
        "nothing ran": "no case was run",
        "fine": "Everything of ours holds ({seconds} s).",
        "not fine": "Something of ours does not hold ({seconds} s).",
        "written": "The report is in {path}.",
        "lead fine": "Every derivation, every kernel and every number of the lecture holds.",
        "lead not fine": "Not everything holds; what does not is marked.",
        "scipy fine": "SciPy's implementations deviate nowhere.",
        "scipy deviates": "{number} of SciPy's implementations deviate; below, each with its smallest example.",
        "operators": "Operators",
        "dimensions": "The same in {ndim}-D",
        "cases": "cases run",
        "the statement": "The statement",
        "the size": "The output size",
        "the gradients": "The gradients",
        "whole derivation": "the whole derivation",
        "checked derivations": "Derivations that were checked",
        "derivation": "derivation",
        "steps": "steps",
        "verdict": "verdict",
        "tests": "Cases that were run, by law",
        "implementation": "implementation",
        "refused": "refused",
        "deviations": "Deviations",
        "no deviations": "No deviation was found.",
        "smallest": "The smallest example found",
        "documented": "Its documentation says: {note}",
        "laws": "The laws",
        "elsewhere": "SciPy as an implementation from elsewhere",
        "elsewhere lead": (
            "Each function is held to the definition of conv: what SciPy calls mode, boundary and method is padding, "
            "a border and an algorithm; convolve turns the kernel. Where an algorithm is a transform, its error is "
            "held to its bound."
        ),
        "lecture head": "The lecture's worked numbers",
        "lecture lead": (
            "The lecture calls its operation a convolution. Its numbers hold as a correlation, in which no kernel is "
            "turned; true convolution, which turns the kernel, gives other numbers."
        ),
        "source": "Source: {source}.",
        "input": "input",
        "kernel": "kernel",
        "printed": "printed",
        "correlation": "correlation",
        "convolution": "true convolution",
        "channels": "First position, channel by channel: {sum}; true convolution gives {other}.",
        "ran": "Seed {seed}, profile {profile}, {seconds} s; {versions}.",
        "size": "size",
        "vjp": "gradient by {wrt}",
        "jvp": "tangent of {wrt}",
        "hvp": "second derivative by {wrt}",
        "solved": "solved form",
    },
    "es": {
        "title": "convmath: lo verificado",
        "derivations": "derivaciones",
        "number": "número",
        "checks": "pruebas",
        "choices": "opciones",
        "implementations": "nuestros núcleos",
        "scipy": "SciPy",
        "lecture": "los números de la clase",
        "ok": "se cumple todo",
        "wrong": "FALLA",
        "deviates": "{number} se desvían",
        "deviates one": "se desvía",
        "as correlation": "se cumple como correlación",
        "does not hold": "NO SE CUMPLE",
        "other result": "la convolución verdadera da otro resultado",
        "same result": "la convolución verdadera da lo mismo",
        "nothing ran": "no se ejecutó ningún caso",
        "fine": "Todo lo nuestro se cumple ({seconds} s).",
        "not fine": "Algo de lo nuestro no se cumple ({seconds} s).",
        "written": "El informe está en {path}.",
        "lead fine": "Se cumplen todas las derivaciones, todos los núcleos y todos los números de la clase.",
        "lead not fine": "No todo se cumple; lo que falla está marcado.",
        "scipy fine": "Las implementaciones de SciPy no se desvían en ningún caso.",
        "scipy deviates": "{number} implementaciones de SciPy se desvían; abajo, cada una con su ejemplo mínimo.",
        "operators": "Operadores",
        "dimensions": "Lo mismo en {ndim}-D",
        "cases": "casos ejecutados",
        "the statement": "La definición",
        "the size": "El tamaño de la salida",
        "the gradients": "Los gradientes",
        "whole derivation": "la derivación completa",
        "checked derivations": "Derivaciones comprobadas",
        "derivation": "derivación",
        "steps": "pasos",
        "verdict": "veredicto",
        "tests": "Casos ejecutados, por ley",
        "implementation": "implementación",
        "refused": "rechazados",
        "deviations": "Desviaciones",
        "no deviations": "No se encontró ninguna desviación.",
        "smallest": "El ejemplo más pequeño encontrado",
        "documented": "Su documentación dice: {note}",
        "laws": "Las leyes",
        "elsewhere": "SciPy como implementación de otra parte",
        "elsewhere lead": (
            "Cada función se compara con la definición de conv: lo que SciPy llama mode, boundary y method es relleno, "
            "borde y algoritmo; convolve voltea el núcleo. Donde el algoritmo es una transformada, su error se compara "
            "con su cota."
        ),
        "lecture head": "Los números de la clase",
        "lecture lead": (
            "La clase llama convolución a su operación. Sus números se cumplen como correlación, en la que el "
            "núcleo no "
            "se voltea; la convolución verdadera, que sí lo voltea, da otros números."
        ),
        "source": "Fuente: {source}.",
        "input": "entrada",
        "kernel": "núcleo",
        "printed": "impreso",
        "correlation": "correlación",
        "convolution": "convolución verdadera",
        "channels": "Primera posición, canal por canal: {sum}; la convolución verdadera da {other}.",
        "ran": "Semilla {seed}, perfil {profile}, {seconds} s; {versions}.",
        "size": "tamaño",
        "vjp": "gradiente respecto de {wrt}",
        "jvp": "tangente de {wrt}",
        "hvp": "segunda derivada respecto de {wrt}",
        "solved": "forma resuelta",
    },
}

# the name and the sentence of each law; in English they are those of `testing.laws`
LAWS: dict[str, dict[str, tuple[str, str]]] = {
    "es": {
        "definition": ("definición", "el valor es el que dice la definición"),
        "output size": ("tamaño", "la salida tiene el tamaño derivado"),
        "purity": ("pureza", "una llamada deja sus argumentos como estaban"),
        "gradient": ("gradiente", "cada gradiente es el derivado"),
        "tangent": ("tangente", "⟨gX, dX⟩ = ⟨gY, dY⟩ con la derivada dY a lo largo de dX que se deduce"),
        "pairing": ("adjunto", "⟨gY, A x⟩ = ⟨Aᵀ gY, x⟩ (sin sesgo)"),
        "linearity": ("linealidad", "A(2x + 3x′) = 2·A x + 3·A x′ (sin sesgo)"),
        "translation": (
            "traslación",
            "un paso de ceros antes de la entrada mueve la salida una posición, donde las ventanas empiezan dentro",
        ),
    }
}


def law(name: str, sentence: str, lang: str) -> tuple[str, str]:
    """A law's name and sentence in a language, from the English."""
    return LAWS[lang][name] if lang in LAWS else (name, sentence)
