"""What is released, made such that whoever builds it again gets the same bytes."""
