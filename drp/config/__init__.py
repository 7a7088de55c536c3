"""Configuration: recipes, teacher profiles and settings, read and validated."""

from drp.config.arms import BASE, CHAMPION, ORIGINAL, UNTRAINED
from drp.config.decomposition import DecompositionKind, PromptMode
from drp.config.evaluation import Benchmark, Evaluation, Promotion
from drp.config.gates import Band, Gates, NightBands, RowGates
from drp.config.question_sets import (
    SPLITS,
    ImportedSet,
    Level,
    QuestionSet,
    Split,
    SyntheticSet,
    dataset_name,
)
from drp.config.recipe import Arm, Recipe, available_recipes, load_recipe
from drp.config.recipe_keys import RecipeKey, recipe_keys
from drp.config.section_base import Section, Share
from drp.config.settings import Settings, settings
from drp.config.student import (
    CHANNELS,
    LONGEST,
    THINK,
    EngineName,
    Parallel,
    Sampling,
    Server,
    StudentPrompt,
    ThinkingMarks,
)
from drp.config.student_name import StudentName, parse_student_name
from drp.config.teacher_profiles import (
    BatchPace,
    Limits,
    Prices,
    TeacherProfile,
    TeacherSampling,
    find_profile,
)
from drp.config.training import Lora, Sft, Training

__all__ = [
    "BASE",
    "CHAMPION",
    "CHANNELS",
    "LONGEST",
    "ORIGINAL",
    "SPLITS",
    "THINK",
    "UNTRAINED",
    "Arm",
    "Band",
    "BatchPace",
    "Benchmark",
    "DecompositionKind",
    "EngineName",
    "Evaluation",
    "Gates",
    "ImportedSet",
    "Level",
    "Limits",
    "Lora",
    "NightBands",
    "Parallel",
    "Prices",
    "Promotion",
    "PromptMode",
    "QuestionSet",
    "Recipe",
    "RecipeKey",
    "RowGates",
    "Sampling",
    "Section",
    "Server",
    "Settings",
    "Sft",
    "Share",
    "Split",
    "StudentName",
    "StudentPrompt",
    "SyntheticSet",
    "TeacherProfile",
    "TeacherSampling",
    "ThinkingMarks",
    "Training",
    "available_recipes",
    "dataset_name",
    "find_profile",
    "load_recipe",
    "parse_student_name",
    "recipe_keys",
    "settings",
]
