"""What runs in a box, under the project's interpreter: Python 3.10, its library, pytest and coverage."""
